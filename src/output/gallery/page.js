// SPDX-License-Identifier: MIT
// What the page is drawn with: elements, data, addresses. All texts from the
// run become text nodes, never markup.
"use strict";

// data/run.js calls lpcam("run", ...), data/class_0003.js lpcam("class 3", ...):
// scripts, because a page opened from a disk may not read files.
const data = {};
const lpcam = (name, value) => { data[name] = value; };

// element("a.card", {href: "#"}, child, "text", ...); values of "--name" are
// properties of its style, functions are listeners. Empty children are left out.
function element(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  const e = document.createElement(tag);
  e.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("--")) e.style.setProperty(name, value);
    else if (typeof value === "function") e.addEventListener(name, value);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false && value != null) e.setAttribute(name, value);
  }
  e.append(...children.flat(Infinity).filter(c => c != null && c !== false));
  return e;
}

// The data of a class, asked for once.
function load(c, ready) {
  if (data["class " + c]) return ready();
  const name = "data/class_" + String(c).padStart(4, "0") + ".js";
  const script = element("script", {src: name, load: ready, error: () => {
    document.getElementById("main").replaceChildren(element("p", {}, "The file " + name + " is missing from this gallery."));
  }});
  document.head.append(script);
}

// Where we are: "#class=3&sort=best&page=2".
function address() {
  const p = new URLSearchParams(location.hash.slice(1));
  const n = data.run.classes.length, c = p.has("class") ? Number(p.get("class")) : -1;
  return {class: Number.isInteger(c) && c >= 0 && c < n ? c : -1, sort: p.get("sort") || "worst",
          page: Math.max(1, Math.floor(Number(p.get("page"))) || 1)};
}

function link(to) {
  const p = new URLSearchParams();
  if (to.class >= 0) p.set("class", to.class);
  if (to.sort && to.sort !== "worst") p.set("sort", to.sort);
  if (to.page > 1) p.set("page", to.page);
  return "#" + p;
}

const percent = x => x == null ? "–" : (100 * x).toFixed(1);
const count = (n, one, many) => n.toLocaleString("en") + " " + (n === 1 ? one : many || one + "s");
const digits = (n, width) => String(n).padStart(width, "0");
const photo = image => "photo/" + digits(image.n, 6) + ".jpg";
const over = (image, c, kind) => "map/" + digits(image.n, 6) + "_" + digits(c, 4) + "_" + kind + ".png";

const ratio = image => (image.w / image.h).toFixed(4);

// A photograph, with a picture laid over it.
function frame(kind, image, overlay, alt) {
  const size = {loading: "lazy", decoding: "async", width: image.w, height: image.h};
  return element("span.frame" + kind, {"--ratio": ratio(image)},
    element("img", {src: photo(image), alt: alt, ...size}),
    overlay && element("img.over", {src: overlay, alt: "", ...size}));
}
