"""Has a build that counts do the work of the peers' bench, each row of its table for some seconds; see `build` beside it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "benches" / "peers"))

from contestants import CONTESTANTS, TollgateTelling
from house import House
from instructions import begin
from load import Load
from rows import ROWS

SECONDS = 3


def main():
    rows = [row for row in ROWS if row.keys == ROWS[0].keys]
    with House(ROWS[0].keys, 2) as house:
        direct = begin(house)
        # What an upstream is told, in full and as little of it as the bench's contestants tell.
        for kind in (CONTESTANTS[0], TollgateTelling):
            gate = kind(house, direct.ports["http1"])
            gate.start()
            gate.wait()
            for row in rows:
                with Load(house, gate, row, SECONDS) as load:
                    print(f"{gate.name}, {row.title}: {load.run()['requests']} requests", flush=True)
            # It writes down what it has counted as it ends.
            gate.process.terminate()
            if code := gate.process.wait(60):
                raise SystemExit(f"{gate.name} ended with {code}")


main()
