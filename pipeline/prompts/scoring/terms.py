"""Words that show what a prompt is about and what it asks for. English.

Lists for `pipeline.prompts.scoring.prompt_signals`, which looks words up in lower case, and without a plural
``s`` where there is one.
"""

from __future__ import annotations

import functools
import re
from importlib import resources

__all__ = [
    "CREATIVE",
    "DOMAINS",
    "OUTPUTS",
    "PROBLEM",
    "REQUESTS",
    "SOFTWARE",
    "WORK",
    "common_words",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Terms of programming, data and systems.
SOFTWARE = _words(
    """
    algorithm android angular ansible apache api arduino array arrays ascii assembly async asyncio aws
    azure backend bash binary bootstrap boolean bytecode cache cassandra checksum clang class classifier
    cli cloud cmake codebase codec compiler concurrency config container cors cpp cron crud csharp css
    csv cuda cuda cybersecurity daemon dart database dataframe dataset debian debug debugger decoder
    decorator dependency deployment deserialize dictionary django dns docker dockerfile dotnet dropdown
    dsl elasticsearch embedded embedding encoder encryption endpoint enum excel exception express
    fastapi ffmpeg firebase firewall firmware flask flutter fortran framework frontend function gcc gcp
    git github gitlab go golang gpu gradient grafana graphql gui haskell hadoop hash hashmap heap helm
    hook html http https hyperparameter ide iframe inheritance integer interface iterator ios java
    javascript jenkins jira jpeg json jupyter jvm jwt kafka keras kernel kotlin kubernetes kubectl
    lambda laravel latency latex library linux localhost login lua lxml macro makefile malloc matlab
    matplotlib memory metadata microcontroller microservice middleware module mongodb multithreading
    mutex mysql namespace neural nginx node nodejs nosql npm null numpy oauth object opencv opengl
    operator oracle orm os overflow pandas parameter parser perl php pip pipeline pixel plugin pointer
    postgres postgresql powershell promise proxy pyspark pytest python pytorch qt query queue rails
    random react recursion recursive redis redux refactor regex regression repository rest router ruby
    runtime rust sass scala schema scikit scraper script sdk selenium serialization server serverless
    shader shell sklearn snippet snowflake socket spark spring sql sqlite sqlalchemy ssh ssl stack
    string struct subnet subprocess svelte svg swift swiftui synchronous syntax syslog tcp telegram
    tensor tensorflow terraform textarea thread timestamp tls token tokenizer transformer tree tuple
    typescript ubuntu udp ui unicode unity unix url usb utf uuid validator variable vba vector verilog
    vhdl virtualization vite vlan vpn vscode vue wasm webhook webpack websocket widget wordpress
    xml xpath yaml llm llms gpt rag finetune bert lora cnn rnn lstm aspnet blazor linq entity
    solidity blockchain rtos fpga simd mpi openmp scipy networkx dax powerbi tableau
    """
)

# Terms of other fields, by field.
DOMAINS: dict[str, frozenset[str]] = {
    "software": SOFTWARE,
    "mathematics": _words(
        """
        algebra asymptotic axiom bayes bayesian bijection calculus cardinality coefficient combinatorial
        conjecture convergence convex correlation cosine covariance denominator derivative determinant
        deviation differential distribution divisor eigenvalue eigenvector equation equilateral
        equilibrium estimator euclidean exponent exponential factorial fourier function gaussian
        geometric geometry gradient graph hypotenuse hypothesis inequality infinite integer integral
        integrate intersection invertible isomorphism laplace lemma limit linear logarithm markov
        matrix matrices median modulo monotonic multiplication norm numerator orthogonal parabola
        permutation poisson polygon polynomial posterior prime probability proof prove quadratic
        quotient radian radius ratio rational recurrence regression rhombus scalar sequence sigma
        sine stochastic subset tangent tensor theorem topological topology triangle trigonometric
        variance vertex vertices vector
        """
    ),
    "science": _words(
        """
        acid aerosol amino antibody aquifer atom atomic bacteria bandwidth battery biochemistry
        boson capacitor carbon catalyst cell chemical chemistry chlorophyll chromatography chromosome
        circuit climate conductivity cosmology covalent crystal current diffraction diffusion diode dna
        ecosystem electrode electrolyte electromagnetic electron elasticity emission energy entanglement
        enthalpy entropy enzyme equilibrium evolution fermentation fluid frequency friction fusion gene
        genome genetic genetics gravity helium hydrogen hydraulic impedance inertia ion isotope joule
        kinase kinetic laser magnetic magnetism mechanics metabolism microbial mitochondria mitosis
        molar mole molecular molecule momentum mutation nanoparticle neuron neutrino neutron newton
        nitrogen nucleotide nucleus optics orbit osmosis oxidation oxygen particle peptide pendulum
        ph phosphorylation photon photosynthesis physics physicist plasma polymer polymerase potential
        pressure protein proton quantum quark radiation reactor receptor refraction relativity resistor
        rna semiconductor solubility solvent spectroscopy spectrum species stoichiometry superconductor
        synthesis thermal thermodynamics torque transistor turbulence velocity viscosity voltage
        wavelength microscopy assay plasmid crispr adc pwm stm32 uart spi pcb opamp
        """
    ),
    "medicine": _words(
        """
        acute allergy anemia anesthesia antibiotic antidepressant artery asthma autoimmune biopsy
        blood cancer carcinoma cardiac cardiovascular chronic clinical clinician cortisol diabetes
        diagnosis diagnostic disease disorder dopamine dosage dose edema endocrine epidemiology fda
        glucose hepatic hormone hypertension immune infection inflammation insulin kidney lesion liver
        mri neurological nurse nutrition oncology opioid pathogen pathology patient pharmaceutical
        pharmacology placebo pneumonia prescription prognosis protein psychiatric psychology pulmonary
        renal seizure serotonin spinal stroke surgery surgical symptom syndrome therapeutic therapy
        toxicity tumor ultrasound vaccine vitamin
        """
    ),
    "law and finance": _words(
        """
        accounting accrual acquisition amortization appeal arbitrage arbitration asset audit balance
        bankruptcy bond capital cashflow claimant clause collateral compliance constitutional contract
        copyright corporate counsel court covenant creditor currency debt defendant deferred
        depreciation derivative dividend ebitda equity estate etf fiduciary fiscal forex gaap gdp gdpr
        hedge hipaa ifrs indemnity inflation injunction insurance invoice jurisdiction lease ledger
        leverage liability lien liquidity litigation macroeconomic margin merger mortgage npv option
        patent payroll plaintiff portfolio procurement pricing reconciliation regulation regulatory
        revenue roi securities shareholder solvency statute statutory stock subsidiary sue taxation
        tariff tax tort trademark treasury trustee underwriting valuation volatility yield
        """
    ),
    "engineering and business": _words(
        """
        actuator aerodynamic alloy analytics architecture automation bearing benchmark bottleneck
        brand branding cad calibration cfd cnc concrete controller conversion crm customer demographic
        ecommerce elasticity engine erp extrusion fiber forecast funnel gearbox hvac hydraulic kpi
        lathe lead logistics machining manufacturing marketing metric motor onboarding optimization
        outsourcing pid piston procurement propulsion prototype pump recruitment roadmap robotics
        sensor seo sla sop specification stakeholder steel strategy supplier telemetry tensile
        tolerance topology truss turbine valve warehouse weld workflow
        """
    ),
    "humanities": _words(
        """
        aesthetic anthropology archaeology baroque bureaucracy capitalism colonial colonialism
        constitution deontological dialectic diplomacy dynasty empiricism enlightenment epistemology
        ethics existentialism feminism geopolitical grammar hegemony historiography ideology
        imperialism kant linguistics marx marxism metaphysics modernism morphology narrative nietzsche
        ontology parliament phenomenology philosophy phonology plato pragmatism psychoanalysis
        renaissance rhetoric semantics sociology sovereignty stoicism syntax theology treaty
        utilitarian utilitarianism
        """
    ),
}

# What a prompt asks for, as a verb and as a thing.
REQUESTS = _words(
    """
    add adapt analyze analyse annotate answer assess build calculate categorize classify clean code
    combine compare compile complete compose compute construct convert correct create critique debug
    define derive describe design determine develop discuss draft draw edit estimate evaluate examine
    expand explain extract find fix format generate give identify implement improve integrate interpret
    list make modify optimize optimise outline paraphrase parse plan predict prepare propose prove
    provide rank recommend refactor reformat rephrase replace review revise rewrite separate show
    simplify simulate solve sort structure suggest summarize summarise test tell translate update
    verify visualize write
    """
)
OUTPUTS = _words(
    """
    abstract agenda analysis app application article bibliography bullet chart checklist class code
    command component configuration csv curriculum definition description diagram dialogue document
    email equation essay estimate example explanation expression file flowchart formula function graph
    guide headline html itinerary json letter lesson list markdown matrix memo menu message method
    outline output page paragraph pitch plan plot poem policy post presentation procedure program
    project proof proposal query questionnaire quiz rationale recipe regex report resume review roadmap
    schedule schema script scene sentence slide snippet solution song speech spreadsheet step story
    strategy summary syllabus synopsis syntax table template test timeline title tutorial unittest
    website workflow
    """
)
CREATIVE = _words(
    """
    ad adventure advertisement alternate anecdote ascii ballad blog brainstorm campaign caption
    cartoon character characters comedy comic compose concept creative creatively dialogue dystopian
    episode essay fairy fanfic fantasy fiction fictional funny game haiku humor humorous humorously
    idea ideas imagine imaginary improvise inspired invent joke jokes limerick logo lyric lyrics melody
    metaphor mystery narrate narrative narrator novel original parody persona pitch play plot poem
    poetic poetry protagonist rap rhyme roleplay satire scenario scene screenplay script setting
    shakespeare simulate sitcom skit slogan song sonnet story storyline storytelling style tagline
    tale vivid whimsical worldbuilding design prototype innovative novel sketch
    """
)
PROBLEM = _words(
    """
    alternative analyze analyse approach bottleneck broken bug calculate cannot cause challenge choose
    compute conflict correct crash decide debug decision derive determine diagnose difficult efficient
    efficiently error estimate exception fail failed failing fails failure find fix handle implement
    improve incorrect invalid issue maximize minimise minimize mistake optimal optimise optimize optimum
    plan predict prevent problem prove puzzle reduce refactor resolve resolution riddle root scalable
    slow solution solve solving stuck troubleshoot undefined unexpected unexpectedly unable vulnerability
    warning workaround wrong
    """
)
WORK = _words(
    """
    account administrator agenda agency app application assignment audience automate boss brand budget
    business campaign candidate career chatbot class classroom client coach colleague company
    conference consultant contract course coursework cover customer dashboard data deadline department
    deploy deployment developer device document email employee employer engineer enterprise excel exam
    expense feature file hire hiring homework hospital industry interview inventory invoice job lab
    laptop lead lecture lesson linkedin log machine manager manufacturing market marketing meeting
    message nonprofit office onboarding order organization paper patient payment phone plant platform
    policy presentation price printer product production professional project proposal recipe report
    research resume retail salary sale sales school server service shop site software spreadsheet
    staff startup store strategy student supplier survey system teach teacher team thesis training
    travel trip university user vendor visitor warehouse web website workshop workout
    """
)

_COMMON = "common_words.txt"


@functools.cache
def common_words() -> frozenset[str]:
    """Everyday words: those in most documents of English web pages; see the file's first line."""
    text = resources.files(__package__).joinpath(_COMMON).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^[a-z]+$", text, re.MULTILINE))
