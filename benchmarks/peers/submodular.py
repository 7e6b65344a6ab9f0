"""Facility location by apricot or submodlib on a graph in a file.

Run by the peers' own Python (apricot-select 0.6.1, submodlib-py 0.0.3), which has no Gristmill:

    python submodular.py apricot|apricot-two-stage|submodlib GRAPH.npz K

GRAPH.npz holds ``cosines`` and ``ids``, ``[n, neighbours]`` each, no cosine below 0. The last line of
standard output is ``{"seconds", "order"}``: of the choice alone, after a first one on 50 prompts, in
which apricot compiles what it runs.
"""

import json
import sys
import time

import numpy as np
from scipy.sparse import csr_matrix


def apricot(near, k, optimizer):
    from apricot import FacilityLocationSelection

    # A row of apricot's matrix is what a candidate covers; ours says who covers a prompt.
    chosen = FacilityLocationSelection(k, metric="precomputed", optimizer=optimizer)
    return chosen.fit(near.T.tocsr()).ranking


def submodlib(near, k):
    from submodlib import FacilityLocationFunction

    width = int(np.diff(near.indptr).max())
    function = FacilityLocationFunction(
        n=near.shape[0], mode="sparse", separate_rep=False, sijs=near, num_neighbors=width
    )
    picks = function.maximize(
        budget=k,
        optimizer="LazyGreedy",
        stopIfZeroGain=False,
        stopIfNegativeGain=False,
        show_progress=False,
    )
    return [one for one, _ in picks]


def main():
    name, path, k = sys.argv[1], sys.argv[2], int(sys.argv[3])
    pick = {
        "apricot": lambda near, k: apricot(near, k, "lazy"),
        "apricot-two-stage": lambda near, k: apricot(near, k, "two-stage"),
        "submodlib": submodlib,
    }[name]
    graph = np.load(path)
    cosines, ids = graph["cosines"].astype(np.float64), graph["ids"]
    count, width = ids.shape
    rows = np.repeat(np.arange(count), width)
    near = csr_matrix((cosines.ravel(), (rows, ids.ravel())), (count, count))
    pick(near[:50, :50].tocsr(), 2)
    begin = time.perf_counter()
    order = pick(near, k)
    seconds = time.perf_counter() - begin
    print("\n" + json.dumps({"seconds": seconds, "order": [int(one) for one in order]}))


if __name__ == "__main__":
    main()
