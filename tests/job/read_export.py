# SPDX-License-Identifier: MIT
"""Every format of lpcam export loaded by its real reader; called by
test_export.sh.

    read_export.py OUT DATA          formats in OUT/export of the scenes in DATA:
                                     what programs of the field compute from them
    read_export.py coco FOLDER JSON  results.json of FOLDER for that index

The arithmetic of the readers is written here anew, with what makes it slow or
needs a network left out (dense CRF, random walk)."""
import json
import os
import pickletools
import sys
import types

import h5py
import numpy as np
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO

N_CLASSES, THRESHOLD, FG, BG = 5, 0.30, 0.45, 0.25     # of the configuration


class Tensor:
    """Stands in for torch's where PyTorch is not installed."""

    def __init__(self, array):
        self.array = array

    def numpy(self):
        return self.array


def find_torch():
    try:
        import torch
    except ImportError:
        torch = types.SimpleNamespace(from_numpy=Tensor, Tensor=Tensor)
        sys.modules["torch"] = torch
        print("without PyTorch: a stand-in of torch.from_numpy")
    return torch


torch = find_torch()


def load(path):
    """As every reader does; and the pickle names nothing but these."""
    with open(path, "rb") as file:
        file.seek(128)
        names = {arg for code, arg, _ in pickletools.genops(file.read()) if code.name == "GLOBAL"}
    allowed = {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "torch from_numpy"}
    assert names <= allowed, names
    return np.load(path, allow_pickle=True).item()


def voc_palette():
    return [sum((v >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(3))
            for v in range(256) for channel in range(3)]


def read_png(path, size):
    image = Image.open(path)
    assert image.mode == "P" and image.getpalette() == voc_palette(), path
    assert image.size == size, (path, image.size, size)
    return np.array(image)


def with_background(maps, value):
    return np.pad(maps, ((1, 0), (0, 0), (0, 0)), mode="constant", constant_values=value)


def seed_irn(form, value):
    """eval_cam.py of IRN and of CLIP-ES."""
    maps = form["high_res"] if "high_res" in form else form["attn_highres"]
    keys = np.pad(form["keys"] + 1, (1, 0), mode="constant")
    return keys[np.argmax(with_background(maps, value), axis=0)]


def seed_psa(form, n_classes, shape):
    """The evaluation of PSA and MCTformer: every class has a plane."""
    planes = np.zeros((n_classes + 1,) + shape, np.float32)
    for key in form.keys():
        assert type(key) is int and form[key].dtype == np.float32
        planes[key + 1] = form[key]
    planes[0] = THRESHOLD
    return np.argmax(planes, axis=0)


def ir_label(form):
    """cam_to_ir_label.py, its CRF left out."""
    fg, bg = seed_irn(form, FG), seed_irn(form, BG)
    label = fg.copy()
    label[fg == 0] = 255
    label[bg + fg == 0] = 0
    return label


def sem_seg(form, shape):
    """make_sem_seg_labels.py: a random walk that leaves cam as it is."""
    cam = form["cam"]
    assert isinstance(cam, torch.Tensor), type(cam)      # of which it calls cuda()
    keys = np.pad(form["keys"] + 1, (1, 0), mode="constant")
    h, w = shape
    if torch.Tensor is Tensor or len(form["keys"]) == 0:
        assert cam.numpy().shape[1:] == ((h - 1) // 4 + 1, (w - 1) // 4 + 1)
        return None
    import torch.nn.functional as F
    up = F.interpolate(cam[:, None], scale_factor=4, mode="bilinear", align_corners=False)[:, 0, :h, :w]
    up = F.pad(up / torch.max(up), (0, 0, 0, 0, 1, 0), value=THRESHOLD)
    return keys[torch.argmax(up, dim=0).cpu().numpy()]


def check_arrays(out, stem, mask, stored):
    """stored: class index -> the map in maps.h5."""
    irn, amn, psa, clip = (load("%s/%s/%s.npy" % (out, form, stem)) for form in ("irn", "amn", "psa", "clip"))
    assert list(irn) == ["keys", "cam", "high_res"] and irn["keys"].dtype == np.int64
    cam = irn["cam"].numpy()
    assert cam.dtype == irn["high_res"].dtype == np.float32
    assert irn["high_res"].flags.writeable and cam.flags.writeable
    assert all(m.max() in (0, 1) for m in cam) and np.isfinite(irn["high_res"]).all()
    assert (seed_irn(irn, THRESHOLD) == mask).all()
    assert (ir_label(irn) == np.array(Image.open("%s/ir/%s.png" % (out, stem)))).all()
    assert irn["keys"].tolist() == list(stored) and all((m == s).all() for m, s in zip(cam, stored.values()))
    walked = sem_seg(irn, mask.shape)        # IRN enlarges cam by 4, high_res by a little more: the same but for that
    assert walked is None or (walked.shape == mask.shape and (walked == mask).mean() > 0.75)

    assert (amn["keys"] == irn["keys"]).all()
    for name in ("cam", "high_res"):
        whole, less = (np.asarray(form[name] if name == "high_res" else form[name].numpy()) for form in (amn, irn))
        assert (whole[0] == 0).all() and (whole[1:] == less).all()

    assert list(psa) == irn["keys"].tolist()
    assert all((psa[k] == irn["high_res"][i]).all() for i, k in enumerate(psa))
    assert (seed_psa(psa, N_CLASSES, mask.shape) == mask).all()

    assert list(clip) == ["keys", "attn_highres"] and (clip["keys"] == irn["keys"]).all()
    assert (clip["attn_highres"] == irn["high_res"].astype(np.float16)).all()
    assert (seed_irn(clip, THRESHOLD) == mask).mean() > 0.995


def check_training_folder(folder, data, ids, masks):
    """The lists, and the configuration as mmsegmentation's BaseSegDataset takes it."""
    with open(folder + "/ImageSets/Segmentation/train.txt") as file:
        assert file.read().split() == ids
    with open(folder + "/ImageSets/SegmentationAug/train_aug.txt") as file:
        for line, stem in zip([l.rstrip().split(" ") for l in file], ids):
            assert np.array(Image.open(folder + line[1])).shape == masks[stem].shape
            assert os.path.samefile(folder + line[0], "%s/images/%s.jpg" % (data, stem))
    config = {"_base_": types.SimpleNamespace(train_pipeline=["of the configuration"])}
    with open(folder + "/mmsegmentation.py") as file:
        exec(file.read(), config)
    set_ = config["train_dataloader"]["dataset"]
    assert set_["_delete_"] and set_["pipeline"] == ["of the configuration"]
    names = [line.split()[1] for line in open(data + "/classes.txt") if line.strip()]
    assert set_["metainfo"]["classes"] == names
    assert sum(set_["metainfo"]["palette"], []) == voc_palette()[:3 * len(names)]
    for stem in ids:
        parts = [os.path.join(set_["data_root"], set_["data_prefix"][k], stem + set_[s])
                 for k, s in (("img_path", "img_suffix"), ("seg_map_path", "seg_map_suffix"))]
        assert Image.open(parts[0]).size == Image.open(parts[1]).size
    assert open(os.path.join(set_["data_root"], set_["ann_file"])).read().split() == ids


def check_score(out, data, masks):
    """Confusion of the exported masks is what score counted."""
    confusion = np.zeros((N_CLASSES + 1, N_CLASSES + 1), np.int64)
    for stem, mask in masks.items():
        truth = np.array(Image.open("%s/masks/%s.png" % (data, stem)))
        counted = truth <= N_CLASSES
        n = (N_CLASSES + 1) * truth[counted].astype(np.int64) + mask[counted]
        confusion += np.bincount(n, minlength=confusion.size).reshape(confusion.shape)
    with open(out + "/score.json") as file:
        classes = json.load(file)["lpcam"]["classes"]
    assert len(classes) == N_CLASSES + 1
    for c, class_ in enumerate(classes):
        assert class_["truth_pixels"] == confusion[c].sum(), class_
        assert class_["predicted_pixels"] == confusion[:, c].sum(), class_
        both = confusion[c, c]
        iou = both / (confusion[c].sum() + confusion[:, c].sum() - both)
        assert abs(class_["iou"] - iou) < 1e-6, class_


def check_results(path, index, masks):
    """pycocotools takes the results, decodes them to the masks, IoU 1."""
    truth = COCO()
    truth.dataset = index
    truth.createIndex()
    results = truth.loadRes(path)
    found = {image: np.zeros_like(mask) for image, mask in masks.items()}
    for entry in results.dataset["annotations"]:
        mask = masks[entry["image_id"]]
        decoded = results.annToMask(entry)
        due = np.asfortranarray(mask == entry["category_id"], np.uint8)
        assert decoded.shape == mask.shape and (decoded == due).all()
        assert rle.iou([entry["segmentation"]], [rle.encode(due)], [0])[0, 0] == 1
        assert 0 < entry["score"] <= 1
        found[entry["image_id"]][decoded == 1] = entry["category_id"]
    for image in masks:
        assert (found[image] == masks[image]).all(), image
    order = [entry["image_id"] for entry in results.dataset["annotations"]]
    assert [i for n, i in enumerate(order) if n == 0 or order[n - 1] != i] == [i for i in masks if masks[i].any()]


def stored_maps(file):
    """Of each image in turn, {class index: map}, from maps.h5."""
    label, offset = file["image/label"][()], file["map/offset"][()]
    label_offset, grid = file["image/label_offset"][()], file["map/grid"][()]
    for i in range(len(grid)):
        yield {int(label[p]): file["map/value"][offset[p]:offset[p + 1]].reshape(grid[i])
               for p in range(label_offset[i], label_offset[i + 1])}


def check(out, data):
    export = out + "/export"
    with h5py.File(out + "/maps.h5") as file:
        ids, sizes = list(file["image/id"].asstr()), file["image/size"][()]
        stored = list(stored_maps(file))
    masks = {}
    for stem, (h, w), maps in zip(ids, sizes, stored):
        masks[stem] = read_png("%s/masks/SegmentationClass/%s.png" % (export, stem), (w, h))
        read_png("%s/ir/%s.png" % (export, stem), (w, h))
        check_arrays(export, stem, masks[stem], maps)
    check_training_folder(export + "/masks", data, ids, masks)
    check_score(out, data, masks)
    index = {"images": [{"id": i, "height": int(h), "width": int(w)} for i, (h, w) in zip(ids, sizes)],
             "categories": [{"id": c + 1} for c in range(N_CLASSES)], "annotations": []}
    check_results(export + "/coco/results.json", index, masks)
    print("%d images: masks, ir, irn, amn, psa, clip and coco are read; the score is the same" % len(ids))


def check_coco(folder, index_path):
    """Of a COCO data set: numbers of images, original categories, 12-digit names."""
    with open(index_path) as file:
        index = json.load(file)
    category = {0: 0}
    category.update({n + 1: c for n, c in enumerate(sorted(c["id"] for c in index["categories"]))})
    masks = {}
    for image in sorted(index["images"], key=lambda image: image["id"]):
        mask = np.array(Image.open("%s/masks/SegmentationClass/%012d.png" % (folder, image["id"])))
        masks[image["id"]] = np.vectorize(category.get)(mask)
        assert os.path.exists("%s/masks/JPEGImages/%012d.jpg" % (folder, image["id"]))
    check_results(folder + "/coco/results.json", index, masks)
    print("COCO: %d images, categories %s" % (len(masks), sorted(category.values())[1:]))


if __name__ == "__main__":
    if sys.argv[1] == "coco":
        check_coco(sys.argv[2], sys.argv[3])
    else:
        check(sys.argv[1], sys.argv[2])
