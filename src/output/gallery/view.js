// SPDX-License-Identifier: MIT
// The views: all classes, one class, one photograph enlarged.
"use strict";

const run = data.run, main = document.getElementById("main"), large = document.getElementById("large");
const PER_PAGE = 6;
const NAMES = {cam: "CAM", lpcam: "LPCAM"}, kinds = Object.keys(NAMES).filter(k => k in run.threshold);
const ORDERS = {worst: "Worst first", best: "Best first", gain: "Largest gain first"};
if (!run.truth) { ORDERS.worst = "Smallest first"; ORDERS.best = "Largest first"; }
if (kinds.length < 2 || !run.truth) delete ORDERS.gain;

// ---- all classes

function stat(value, unit, name, kind) {
  return element("div.card", {}, element("dt", {}, name), element("dd" + (kind ? "." + kind : ""), {}, value, unit && element("small", {}, " " + unit)));
}

function bars(of) {
  return element("span.bars", {}, kinds.map(k => [
    element("b", {}, NAMES[k]),
    element("i." + k, {"--share": of[k] || 0}),
    element("span", {}, percent(of[k]))]));
}

function classCard(c) {
  const k = run.classes[c], thumb = k.cover && {n: k.cover.n, w: k.cover.w, h: k.cover.h};
  return element("li", {}, element("a.card", {href: link({class: c})},
    thumb ? frame(".map", thumb, over(thumb, c, kinds[kinds.length - 1]), "") : element("span.frame"),
    element("span", {}, element("strong", {title: k.name}, k.name), element("span.soft", {}, count(k.images, "photograph")), run.truth && bars(k))));
}

function classList() {
  const orders = {name: "In the order of the model", worst: "Lowest IoU first", best: "Highest IoU first", gain: "Largest gain first"};
  const key = kinds[kinds.length - 1], gain = k => k.lpcam - k.cam;
  const less = {name: () => 0, worst: (a, b) => a[key] - b[key], best: (a, b) => b[key] - a[key], gain: (a, b) => gain(b) - gain(a)};
  const list = element("ul.classes"), all = run.classes.map((k, c) => c);
  const fill = order => list.replaceChildren(...[...all].sort((a, b) => less[order](run.classes[a], run.classes[b])).map(classCard));
  const chooser = element("select", {"aria-label": "Order of the classes", change: e => fill(e.target.value)},
    Object.entries(orders).filter(([o]) => o !== "gain" || kinds.length === 2).map(([o, text]) => element("option", {value: o}, text)));
  fill("name");
  return element("section", {}, element("div.head", {},
    element("div", {}, element("h2", {}, "Classes"), run.truth && element("p.soft", {}, "Intersection over union of the seeds, in percent; each method at its own best threshold.")),
    run.truth && chooser), list);
}

function charts() {
  const best = kinds.map(k => NAMES[k] + " " + percent(run.miou[k]) + " % at threshold " + run.threshold[k]).join(", ");
  const pictures = [];
  if (run.truth) pictures.push(element("img", {src: "curve.svg", width: 420, height: 300, alt: "Mean IoU of the seeds over thresholds: best " + best}));
  const half = (from, alt) => element("img", {src: "convergence.svg#svgView(viewBox(" + from + ",0,420,300))", width: 420, height: 300, alt: alt});
  if (run.convergence) pictures.push(half(0, "Share of the vectors that changed their cluster, by iteration"), half(420, "Mean cosine of a vector to its centre, by iteration"));
  return pictures.length > 0 && element("section.charts", {}, pictures.map(p => element("figure.card", {}, p)));
}

function about() {
  return element("section", {}, element("h2", {}, "What the run was"),
    element("div.card", {},
      element("details", {}, element("summary", {}, "Every setting in use"), element("pre", {tabindex: 0}, run.settings)),
      run.made && element("details", {}, element("summary", {}, "What the maps were made with"), element("pre", {tabindex: 0}, run.made))));
}

function overview() {
  const sentence = count(run.images, "photograph") + " with " + count(run.labels, "label") + " of " + count(run.classes.length, "class", "classes") +
    (run.truth ? ". Ground truth: " + (run.truth === "masks" ? "the masks of the data set." : "drawn from " + run.truth + ".") : ". There is no ground truth: photographs are in order of the share of the picture that the map covers.");
  return [
    element("section", {}, element("h1", {}, run.title), element("p.lead", {}, sentence),
      run.truth && element("dl.stats", {}, kinds.map(k => stat(percent(run.miou[k]), "%", NAMES[k] + ", mean IoU at " + run.threshold[k], k)),
        kinds.length === 2 && stat((run.miou.lpcam < run.miou.cam ? "−" : "+") + percent(Math.abs(run.miou.lpcam - run.miou.cam)), "", "points, LPCAM against CAM"))),
    charts(), classList(), about()];
}

// ---- one class

const tileNames = {photo: "Photograph", cam: "CAM", lpcam: "LPCAM", truth: "Ground truth"};

// The four pictures of a photograph; `open` enlarges them.
function tiles(c, image, open) {
  const wanted = ["photo", ...kinds, ...(run.truth ? ["truth"] : [])];
  return element("div.tiles", {"--ratio": ratio(image)}, wanted.map(kind => {
    const alt = tileNames[kind] + " of " + image.id + (kind === "photo" ? "" : ", class " + run.classes[c].name);
    const picture = frame(kind in NAMES ? ".map" : "." + kind, image, kind !== "photo" && over(image, c, kind), alt);
    const share = kind in NAMES && image[kind] != null;
    return element("figure", {}, open ? element("button", {type: "button", "aria-label": "Enlarge: " + alt, click: open}, picture) : picture,
      element("figcaption", {}, element("span", {}, tileNames[kind]), share && element("b." + kind, {}, (run.truth ? "IoU " : "covers ") + percent(image[kind]))));
  }));
}

function card(c, image, open) {
  const names = image.labels.map(l => run.classes[l].name).join(", ");
  return element("article.card", {}, element("div.title", {}, element("h3", {}, image.id), element("p", {}, names + " · " + image.w + " × " + image.h + " px")), tiles(c, image, open));
}

function ordered(images, sort) {
  const key = kinds[kinds.length - 1];
  const value = {worst: i => i[key], best: i => -i[key], gain: i => i.cam - i.lpcam}[sort];
  return [...images].sort((a, b) => value(a) - value(b) || a.n - b.n);
}

function ramp() {
  const strength = element("input", {type: "range", min: 0, max: 100, value: Math.round(100 * shown()), "aria-label": "How strongly the maps cover the photographs",
    input: e => document.documentElement.style.setProperty("--strength", e.target.value / 100)});
  return element("div.scale", {}, element("span.ramp", {}, "0", element("img", {src: "bar.png", alt: "Colours of the values from 0, dark blue, to 1, pale yellow"}), "1, the largest of the map"),
    element("label", {}, "Strength", strength));
}
const shown = () => Number(getComputedStyle(document.documentElement).getPropertyValue("--strength")) || 0.85;

function photographs(c, here) {
  const k = run.classes[c], images = ordered(data["class " + c].images, here.sort);
  const pages = Math.max(1, Math.ceil(images.length / PER_PAGE)), page = Math.min(here.page, pages);
  const first = (page - 1) * PER_PAGE, visible = images.slice(first, first + PER_PAGE);
  const goTo = p => () => { location.hash = link({...here, page: p}); };
  const pager = () => pages > 1 && element("div.pager", {role: "group", "aria-label": "Pages"},
    element("button", {type: "button", "data-turn": -1, disabled: page === 1, click: goTo(page - 1)}, "← Back"),
    element("span.number", {}, "Page " + page + " of " + pages),
    element("button", {type: "button", "data-turn": 1, disabled: page === pages, click: goTo(page + 1)}, "Next →"));
  const chooser = element("select", {"aria-label": "Order of the photographs", change: e => { location.hash = link({class: c, sort: e.target.value}); }},
    Object.entries(ORDERS).map(([o, text]) => element("option", {value: o, selected: o === here.sort}, text)));
  const some = images.length < k.images ? "The " + images.length + " " + (run.truth ? "worst and best" : "smallest and largest") + " of " + count(k.images, "photograph") + ". " : "";
  return element("section", {"aria-label": "Photographs"}, element("div.head", {},
    element("div", {}, element("h2", {}, "Photographs"), element("p.soft", {}, some + (run.truth ? "IoU of the class in each photograph, in percent." : "Share of the photograph above the threshold, in percent."))), chooser),
    ramp(), element("div.photos", {}, visible.map((image, i) => card(c, image, () => enlarge(c, images, first + i)))), pager());
}

// The figure of the paper's introduction: what else the classifier sees here.
function confusion(c) {
  const f = data["class " + c].figure;
  if (!f) return null;
  const name = run.classes[c].name, alt = kind => kind + " of " + f.image.id;
  const tile = (kind, overlay, title, note) => element("figure", {}, frame(kind, f.image, overlay, alt(title)), element("figcaption", {}, element("span", {}, title), note));
  return element("section", {}, element("div", {}, element("h2", {}, "One photograph, several classes"),
    element("p.soft", {}, "The CAM of " + name + " beside those of the classes that are not in the photograph but answer most to it, and LPCAM. " +
      "The first maps are computed at scale 1 from features.h5, each divided by its own maximum; the number is what the classifier answers, its logit there.")),
    element("div.card", {}, element("div.tiles.six", {"--many": f.maps.length + 2, "--ratio": ratio(f.image)}, tile("", null, "Photograph", element("b.name", {title: f.image.id}, f.image.id)),
      f.maps.map((m, j) => tile(".map", "map/figure_" + digits(c, 4) + "_" + j + ".png", "CAM of " + run.classes[m.class].name, element("b", {}, m.logit.toFixed(1)))),
      kinds.includes("lpcam") && tile(".map", over(f.image, c, "lpcam"), "LPCAM of " + name))));
}

function centre(c, side, k, p, largest) {
  const used = p.weight > 0, strip = "near/" + digits(c, 4) + "_" + side + "_" + digits(k, 3) + ".jpg";
  const text = "Near " + ["object", "context"][side] + " centre " + (k + 1) + ": ";
  const patch = (near, j) => element("img", {src: strip, loading: "lazy", width: 96, height: 96, alt: text + near.id, title: near.id + ", cosine " + near.cosine.toFixed(2),
    "--at": p.near.length > 1 ? 100 * j / (p.near.length - 1) + "%" : "0"});
  return element("li.card.centre" + (used ? "" : ".out"), {},
    element("div.strip", {}, p.near.map(patch)),
    element("p", {}, element("span", {}, "probability ", element("b", {}, p.z.toFixed(3))), element("span", {}, count(p.size, "cell")),
      element("span", {}, used ? ["weight ", element("b", {}, (p.weight < 0.0005 ? "< 0.1" : percent(p.weight)) + " %")] : "left out")));
}

function prototypes(c) {
  const sides = data["class " + c].prototypes;
  if (!sides) return null;
  const part = (side, title, text) => {
    const order = sides[side].map((p, k) => k).filter(k => sides[side][k].size > 0).sort((a, b) => sides[side][b].weight - sides[side][a].weight || sides[side][b].size - sides[side][a].size);
    return element("div", {}, element("h3", {}, title), element("p.soft", {}, text), element("ol", {}, order.map(k => centre(c, side, k, sides[side][k]))));
  };
  return element("section", {}, element("h2", {}, "Prototypes"), element("p.soft", {}, "Every centre by the patches nearest to it, best first; the probability that it belongs to the class; how many cells it stands for; its weight in the class vector."),
    element("div.sides", {}, part(0, "Object", "Centres of the cells where the CAM is high: they speak for the class."),
      part(1, "Context", "Centres of the other cells of its photographs: they are weighed against it.")));
}

function classView(here) {
  const c = here.class, k = run.classes[c];
  return [element("section", {}, element("h1", {}, k.name), element("p.lead", {}, count(k.images, "photograph") + " with this class."),
    run.truth && element("dl.stats", {}, kinds.map(kind => stat(percent(k[kind]), "%", NAMES[kind] + ", IoU at " + run.threshold[kind], kind)),
      kinds.length === 2 && k.cam != null && stat((k.lpcam < k.cam ? "−" : "+") + percent(Math.abs(k.lpcam - k.cam)), "", "points, LPCAM against CAM"))),
    confusion(c), photographs(c, here), prototypes(c)];
}

// ---- one photograph enlarged

function enlarge(c, images, i) {
  const step = d => () => { if (images[i + d]) { enlarge(c, images, i + d); } };
  const image = images[i], button = (text, d) => element("button", {type: "button", "data-turn": d, disabled: !images[i + d], click: step(d)}, text);
  large.replaceChildren(element("div.inside", {},
    element("div.bar", {}, element("div.controls", {}, button("←", -1), element("span.number", {}, i + 1 + " of " + images.length), button("→", 1)),
      element("button", {type: "button", autofocus: true, click: () => large.close()}, "Close")),
    card(c, image), ramp()));
  if (!large.open) large.showModal();
}

// ---- moving about

let last = {class: -2};
function draw() {
  const here = address(), n = run.classes.length;
  const show = content => {
    main.replaceChildren(...content.filter(Boolean));
    document.title = (here.class < 0 ? run.title : run.classes[here.class].name) + " · LPCAM gallery";
    document.getElementById("chooser").value = here.class;
    document.getElementById("before").disabled = here.class <= 0;
    document.getElementById("after").disabled = here.class >= n - 1;
    if (here.class !== last.class) scrollTo(0, 0);
    else (main.querySelector("section[aria-label=Photographs]") || main).scrollIntoView();
    if (last.class !== -2) main.focus({preventScroll: true});
    last = here;
  };
  if (!(here.sort in ORDERS)) here.sort = "worst";
  if (large.open) large.close();
  if (here.class < 0) show(overview());
  else load(here.class, () => { if (address().class === here.class) show(classView(here)); });
}

function turn(d) {
  const scope = large.open ? large : main, button = scope.querySelector('[data-turn="' + d + '"]');
  if (button && !button.disabled) button.click();
}

function walk(d) {
  const c = address().class + d;
  if (c >= 0 && c < run.classes.length && !large.open) location.hash = link({class: c});
}

addEventListener("keydown", e => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.target.matches("select, input, pre")) return;
  const does = {ArrowLeft: () => turn(-1), ArrowRight: () => turn(1), p: () => walk(-1), n: () => walk(1)}[e.key];
  if (does) { e.preventDefault(); does(); }
});
addEventListener("hashchange", draw);

const chooser = document.getElementById("chooser");
chooser.append(element("option", {value: -1}, "All classes"), ...run.classes.map((k, c) => element("option", {value: c}, k.name)));
chooser.addEventListener("change", () => { location.hash = link({class: Number(chooser.value)}); });
document.getElementById("before").addEventListener("click", () => walk(-1));
document.getElementById("after").addEventListener("click", () => walk(1));
document.getElementById("program").textContent = run.program;
draw();
