# The Python peer of `patchkit bench coco-ap`: pycocotools' COCOeval on the same files. Reads a line, answers a number:
#   time KIND FOLDER     reads FOLDER/truth.json and FOLDER/KIND.json and evaluates (KIND: bbox, segm); answers seconds
#   stat I FOLDER        one of the twelve numbers of the last evaluation
import contextlib
import io
import sys
import time

import pycocotools
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print(getattr(pycocotools, "__version__", "of unknown version"), flush=True)
for line in sys.stdin:
    verb, argument, folder = line.rstrip("\n").split(" ", 2)
    if verb == "stat":
        print(repr(float(evaluation.stats[int(argument)])), flush=True)
        continue
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(f"{folder}/truth.json")
        evaluation = COCOeval(truth, truth.loadRes(f"{folder}/{argument}.json"), argument)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    print(time.perf_counter() - start, flush=True)
