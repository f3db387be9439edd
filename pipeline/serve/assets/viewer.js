// The two pictures and what moves them. Both show the same place at the same zoom:
// there is one state, and each picture is drawn from it.
const data = JSON.parse(document.getElementById('data').textContent);
const largest = 8;
const stops = [0.25, 0.5, 1, 2, 4, 8];

const panes = [...document.querySelectorAll('.pane')].map((figure) => ({
  session: figure.id === 'base' ? data.baseline : data.session,
  figure,
  port: figure.querySelector('.port'),
  stage: figure.querySelector('.stage'),
  sheet: figure.querySelector('.sheet'),
  group: figure.querySelector('.marks g'),
}));
const photo = document.querySelector('.photo');
const size = photo ? {w: photo.width, h: photo.height} : {w: 1, h: 1};

// The middle of the view in picture pixels, and CSS pixels per picture pixel.
const state = {x: (size.w - 1) / 2, y: (size.h - 1) / 2, zoom: 1, layout: 'side', fade: 50, overlays: [], kind: ''};

// What the editor asks for: a click on a place that is no drag, the start of one
// that it wants for itself, a key of its own, and what to draw beside the objects.
export const hooks = {click: null, grab: null, key: null, changed: null};
export {data, panes, state};

// The state outlives a change of session and a page that is loaded again.
const memory = 'dermatrend ' + data.key;
export function remember(more) {
  Object.assign(state, more);
  sessionStorage.setItem(memory, JSON.stringify(state));
}
try {
  Object.assign(state, JSON.parse(sessionStorage.getItem(memory)) ?? {});
} catch { /* of an older page */ }

export function svg(name, attributes, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

const box = () => panes[0].port.getBoundingClientRect();

// fit is the zoom at which the whole picture is seen.
function fit() {
  const b = box();
  return Math.min(b.width / size.w, b.height / size.h);
}

function clamp() {
  state.zoom = Math.min(largest, Math.max(Math.min(fit(), 1) / 2, state.zoom));
  state.x = Math.min(size.w, Math.max(-1, state.x));
  state.y = Math.min(size.h, Math.max(-1, state.y));
}

// draw puts the place of the state into the middle of each picture. Picture
// coordinates have their origin in the centre of the first pixel.
export function draw() {
  if (!panes.length) return;
  clamp();
  for (const p of panes) {
    const b = p.port.getBoundingClientRect();
    if (!b.width) continue;
    const left = Math.round(b.width / 2 - (state.x + 0.5) * state.zoom);
    const top = Math.round(b.height / 2 - (state.y + 0.5) * state.zoom);
    p.left = left;
    p.top = top;
    p.stage.style.transform = `translate(${left}px, ${top}px) scale(${state.zoom})`;
    p.stage.classList.toggle('sharp', state.zoom >= 1);
    p.group.setAttribute('transform', `translate(${left} ${top}) scale(${state.zoom}) translate(0.5 0.5)`);
  }
  document.getElementById('zoom').value = Math.round(100 * state.zoom) + ' %';
  remember();
}

// place is where on the picture a point of the screen lies.
export function place(pane, clientX, clientY) {
  const b = pane.port.getBoundingClientRect();
  return {x: (clientX - b.left - pane.left) / state.zoom - 0.5, y: (clientY - b.top - pane.top) / state.zoom - 0.5};
}

// zoomTo keeps the place under a point of the screen where it is.
function zoomTo(zoom, pane, clientX, clientY) {
  const at = place(pane, clientX, clientY);
  const before = state.zoom;
  state.zoom = zoom;
  clamp();
  state.x = at.x + (state.x - at.x) * before / state.zoom;
  state.y = at.y + (state.y - at.y) * before / state.zoom;
  draw();
}

function step(direction) {
  const up = (z) => z > state.zoom * 1.001, down = (z) => z < state.zoom * 0.999;
  state.zoom = direction > 0 ? stops.find(up) ?? largest : stops.findLast(down) ?? 0;
  draw();
}

function whole() {
  Object.assign(state, {x: (size.w - 1) / 2, y: (size.h - 1) / 2, zoom: fit()});
  draw();
}

function actual() {
  state.zoom = 1;
  draw();
}

// middle is the point of the screen that the keyboard works with.
export function middle(pane) {
  const b = pane.port.getBoundingClientRect();
  return place(pane, b.left + Math.round(b.width / 2), b.top + Math.round(b.height / 2));
}

for (const pane of panes) {
  const fingers = new Map();
  let pressed = null; // where a press began that may become a click
  let grabbed = null; // what the editor took hold of

  pane.port.addEventListener('pointerdown', (e) => {
    if (e.button) return;
    pane.port.setPointerCapture(e.pointerId);
    fingers.set(e.pointerId, e);
    pressed = fingers.size === 1 ? e : null;
    grabbed = pressed && hooks.grab ? hooks.grab(place(pane, e.clientX, e.clientY), pane) : null;
  });
  pane.port.addEventListener('pointermove', (e) => {
    const last = fingers.get(e.pointerId);
    if (!last) return;
    const spread = () => {
      const [a, b] = [...fingers.values()];
      return {d: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2};
    };
    const before = fingers.size === 2 ? spread() : null;
    if (pressed && Math.hypot(e.clientX - pressed.clientX, e.clientY - pressed.clientY) > 4) pressed = null;
    if (!pressed && grabbed) {
      grabbed(place(pane, e.clientX, e.clientY));
      fingers.set(e.pointerId, e);
      return;
    }
    fingers.set(e.pointerId, e);
    if (before) {
      const now = spread();
      state.x -= (now.x - before.x) / state.zoom;
      state.y -= (now.y - before.y) / state.zoom;
      draw();
      if (before.d > 0) zoomTo(state.zoom * now.d / before.d, pane, now.x, now.y);
    } else if (!pressed) {
      pane.port.classList.add('moving');
      state.x -= (e.clientX - last.clientX) / state.zoom;
      state.y -= (e.clientY - last.clientY) / state.zoom;
      draw();
    } else {
      fingers.set(e.pointerId, last); // so that nothing of the movement is lost
    }
  });
  const release = (e) => {
    if (!fingers.delete(e.pointerId)) return;
    pane.port.classList.remove('moving');
    if (pressed && e.type === 'pointerup' && hooks.click) hooks.click(place(pane, e.clientX, e.clientY), pane);
    pressed = grabbed = null;
  };
  pane.port.addEventListener('pointerup', release);
  pane.port.addEventListener('pointercancel', release);
  pane.port.addEventListener('wheel', (e) => {
    e.preventDefault();
    const lines = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    zoomTo(state.zoom * 2 ** (-e.deltaY * lines / 400), pane, e.clientX, e.clientY);
  }, {passive: false});
  pane.port.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const way = (e.shiftKey ? 200 : 40) / state.zoom;
    const keys = {
      ArrowLeft: () => { state.x -= way; }, ArrowRight: () => { state.x += way; },
      ArrowUp: () => { state.y -= way; }, ArrowDown: () => { state.y += way; },
      '+': () => step(1), '=': () => step(1), '-': () => step(-1), 1: actual, 0: whole,
      b: blink, B: blink,
      Enter: () => hooks.click?.(middle(pane), pane),
    };
    if (!keys[e.key]) {
      if (hooks.key?.(e.key)) e.preventDefault();
      return;
    }
    e.preventDefault();
    keys[e.key]();
    draw();
  });
}

// Layout: with one over the other, the session's sheet lies on the baseline's.
const fade = document.getElementById('fade');
const caption = document.querySelector('#base figcaption');
if (caption) caption.dataset.alone = caption.textContent;
function arrange() {
  if (!fade) return;
  const [base, other] = panes;
  const over = state.layout === 'over';
  (over ? base : other).stage.append(other.sheet);
  other.sheet.style.opacity = over ? state.fade / 100 : 1;
  other.figure.hidden = over;
  caption.textContent = over ? caption.dataset.alone + ', under ' + other.figure.querySelector('figcaption').textContent : caption.dataset.alone;
  document.querySelector('.panes').classList.toggle('over', over);
  document.querySelector('.fade').hidden = !over;
  fade.value = state.fade;
  document.querySelector(`[name=layout][value=${over ? 'over' : 'side'}]`).checked = true;
  marks();
}
function blink() {
  if (!fade || state.layout !== 'over') return;
  state.fade = state.fade > 50 ? 0 : 100;
  arrange();
}
fade?.addEventListener('input', () => { state.fade = Number(fade.value); arrange(); draw(); });
for (const radio of document.querySelectorAll('[name=layout]')) {
  radio.addEventListener('change', () => { state.layout = radio.value; arrange(); draw(); });
}

// Overlays.
const boxes = [...document.querySelectorAll('[data-overlay]')];
function overlays() {
  for (const img of document.querySelectorAll('.overlay')) img.hidden = !state.overlays.includes(img.dataset.kind);
}
for (const b of boxes) {
  b.checked = state.overlays.includes(b.dataset.overlay);
  b.addEventListener('change', () => {
    remember({overlays: boxes.filter((x) => x.checked).map((x) => x.dataset.overlay)});
    overlays();
  });
}

// Single objects, as rings of their size.
const kind = document.getElementById('kind');
export function marks() {
  const over = state.layout === 'over';
  for (const p of panes) {
    const sessions = over ? panes.map((x) => x.session) : [p.session];
    p.group.replaceChildren(...data.objects.filter((o) => o.kind === state.kind && sessions.includes(o.session)).map((o) =>
      svg('circle', {class: 'object' + (o.rejected ? ' rejected' : ''), cx: o.x, cy: o.y, r: o.r + 1.5})));
  }
  hooks.changed?.();
}
export function showKind(value) {
  remember({kind: value});
  if (kind) kind.value = value;
  marks();
}
kind?.addEventListener('change', () => showKind(kind.value));

for (const [name, act] of Object.entries({out: () => step(-1), in: () => step(1), one: actual, fit: whole})) {
  document.querySelector(`[data-zoom=${name}]`)?.addEventListener('click', act);
}
if (kind && ![...kind.options].some((o) => o.value === state.kind)) state.kind = '';
if (panes.length) {
  overlays();
  arrange();
  showKind(state.kind);
  new ResizeObserver(draw).observe(panes[0].port);
  draw();
}
