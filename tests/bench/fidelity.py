"""Table of our curves beside the authors': fidelity.py SET FOLDER AUTHORS.csv

FOLDER holds SET-rows-0 .. 2, SET-threshold and SET-weighted, each with the program's score.json. Ends with a line for each
target: `bench NAME VALUE TARGET ok|short`, larger is better (differences in points are told as allowed / found)."""
import csv
import json
import statistics
import sys


def authors(path, kind):
    """{seed: {threshold: mIoU in points}} of one kind of maps"""
    curves = {}
    for row in csv.DictReader(open(path)):
        if row["map"] == kind:
            curves.setdefault(row["seed"], {})[round(float(row["threshold"]), 3)] = 100 * float(row["miou"])
    return curves


def ours(folder, kind):
    """{threshold: mIoU in points}"""
    score = json.load(open(f"{folder}/score.json"))[kind]
    return {round(point["threshold"], 3): 100 * point["miou"] for point in score["curve"]}


def worst(mine, theirs):
    assert mine.keys() >= theirs.keys(), "the curves have other thresholds"
    return max(abs(mine[t] - theirs[t]) for t in theirs)


def target(name, value, goal):
    print(f"bench {name} {value:.3f} {goal} {'ok' if value >= goal else 'short'}")


def main(name, folder, path):
    cam_theirs, lpcam_theirs = authors(path, "cam")[""], authors(path, "lpcam")
    cam = ours(f"{folder}/{name}-rows-0", "cam")
    rows = {seed: ours(f"{folder}/{name}-rows-{seed}", "lpcam") for seed in lpcam_theirs}
    own = {choice: ours(f"{folder}/{name}-{choice}", "lpcam") for choice in ("threshold", "weighted")}
    print(f"{name}: mIoU in points; authors / lpcam from the authors' start rows")
    print("threshold         CAM      " + "".join(f"LPCAM seed {s}    " for s in rows) + "own start: threshold, weighted")
    for t in sorted(cam_theirs):
        line = "".join(f"{lpcam_theirs[s][t]:7.2f}/{rows[s][t]:6.2f}  " for s in rows)
        print(f"{t:9.2f} {cam_theirs[t]:7.2f}/{cam[t]:6.2f}  {line}       {own['threshold'][t]:8.2f}  {own['weighted'][t]:8.2f}")
    at30 = [lpcam_theirs[s][0.3] for s in lpcam_theirs]
    print(f"at 0.30: authors' seeds {statistics.mean(at30):.2f} +- {statistics.stdev(at30):.2f}; our own start, every time: "
          f"by threshold {own['threshold'][0.3]:.2f}, by weight {own['weighted'][0.3]:.2f}")
    cam_off = worst(cam, cam_theirs)
    lpcam_off = max(worst(rows[s], lpcam_theirs[s]) for s in rows)
    print(f"largest difference at any threshold: CAM {cam_off:.3f}, LPCAM {lpcam_off:.3f} points")
    target(f"{name}.cam_allowed_over_found", 0.3 / max(cam_off, 1e-3), 1)
    target(f"{name}.lpcam_allowed_over_found", 0.5 / max(lpcam_off, 1e-3), 1)
    target(f"{name}.weighted_at_0.30", own["weighted"][0.3], {"msrc": 66, "coco167": 23.5}[name])


if __name__ == "__main__":
    main(*sys.argv[1:])
