// What a person says about the pictures: zones and excluded areas drawn on the
// baseline, objects rejected, alignments judged. Each is sent at once, in pixels of
// the baseline photo, and the page is loaded again.
import {data, draw, hooks, marks, panes, remember, showKind, state, svg} from './viewer.js';

const get = (id) => document.getElementById(id);
const problem = get('problem'), hint = get('hint');
const save = get('save'), undo = get('undo'), discard = get('discard');
const tools = [...document.querySelectorAll('[name=tool]')];
const base = panes.find((p) => p.figure.id === 'base');

let points = []; // of the outline that is being drawn, on the picture
let tool = '';

const drawing = () => tool === 'zone' || tool === 'exclude';

// Places are sent to a tenth of a pixel: nobody can point better.
const tenth = (v) => Math.round(10 * v) / 10;

// inPhoto is where a place on the picture lies in the baseline photo.
function inPhoto({x, y}) {
  const m = data.toBase;
  return [tenth(m[0] * x + m[1] * y + m[2]), tenth(m[3] * x + m[4] * y + m[5])];
}

async function post(edit) {
  problem.textContent = '';
  for (const b of document.querySelectorAll('#editor button')) b.disabled = true;
  try {
    const answer = await fetch(data.edit.url, {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({photo_sha256: data.edit.photoSHA256, ...edit}),
    });
    if (answer.ok) {
      location.reload();
      return;
    }
    problem.textContent = 'Not recorded: ' + await answer.text();
  } catch {
    problem.textContent = 'Not recorded: dermatrend serve does not answer. Is it still running?';
  }
  for (const b of document.querySelectorAll('#editor button')) b.disabled = false;
  enable();
}

function enable() {
  save.disabled = points.length < 3;
  undo.disabled = discard.disabled = points.length === 0;
}

function path(list, closed) {
  return 'M' + list.map((p) => `${p.x} ${p.y}`).join('L') + (closed ? 'Z' : '');
}

// Drawn areas and the draft lie on the baseline.
hooks.changed = () => {
  if (!base) return;
  for (const o of data.edit.outlines) {
    const title = svg('title', {});
    title.textContent = o.name;
    base.group.append(svg('path', {class: 'drawn ' + o.kind, d: path(o.points.map(([x, y]) => ({x, y})), true)}, title));
  }
  if (points.length) base.group.append(svg('path', {class: 'draft', d: path(points, points.length > 2)}));
  points.forEach((p, i) => base.group.append(svg('path', {class: i ? 'point' : 'point first', d: `M${p.x} ${p.y}h0.001`})));
  enable();
};

function say(text) { hint.textContent = text; }

// near is the index of the draft's point within reach of a place; -1 without one.
const near = (at) => points.findIndex((p) => Math.hypot(p.x - at.x, p.y - at.y) * state.zoom < 10);

// Points stay on the picture: beyond it there is nothing to see.
function onPicture(at) {
  const photo = base.figure.querySelector('.photo');
  const within = (v, n) => Math.min(n - 0.5, Math.max(-0.5, v));
  return {x: within(at.x, photo.width), y: within(at.y, photo.height)};
}

hooks.grab = (at, pane) => {
  const i = drawing() && pane === base ? near(at) : -1;
  if (i < 0) return null;
  return (to) => {
    points[i] = onPicture(to);
    marks();
  };
};

hooks.click = (at, pane) => {
  if (drawing()) {
    if (pane !== base) {
      say('Draw on the baseline: outlines are places of its photo.');
      return;
    }
    if (near(at) >= 0) return; // it is there already
    points.push(onPicture(at));
    say(`${points.length} ${points.length === 1 ? 'point' : 'points'}; three or more make an outline. Points can be dragged.`);
    marks();
  }
  if (tool === 'object') toggle(at, pane);
};

// toggle rejects the object at a place, or lets it count again.
function toggle(at, pane) {
  const sessions = state.layout === 'over' ? panes.map((p) => p.session) : [pane.session];
  let best = null, reach = Infinity;
  for (const o of data.objects) {
    const d = Math.hypot(o.x - at.x, o.y - at.y);
    if (o.kind === state.kind && sessions.includes(o.session) && d < reach && d <= Math.max(o.r + 1.5, 10 / state.zoom)) [best, reach] = [o, d];
  }
  if (!best) {
    say('There is no object of this kind here.');
    return;
  }
  post({object: {kind: best.kind, x: tenth(best.baseX), y: tenth(best.baseY), accept: best.rejected}});
}

hooks.key = (key) => {
  if (!points.length) return false;
  if (key === 'Backspace' || key === 'Delete') points.pop();
  else if (key === 'Escape') points = [];
  else return false;
  marks();
  return true;
};

function choose(name) {
  tool = name;
  remember({tool});
  points = [];
  for (const t of tools) t.checked = t.value === tool;
  for (const e of document.querySelectorAll('[data-for]')) e.hidden = !e.dataset.for.split(' ').includes(tool);
  for (const p of panes) p.port.classList.toggle('drawing', tool !== '');
  const kind = get('kind');
  if (tool === 'object' && kind && !state.kind) showKind(kind.options[1].value);
  say({
    '': '', zone: 'Click the corners of the zone on the baseline, then save the outline.',
    exclude: 'Click the corners of the area on the baseline, name it, then save the outline.',
    object: kind ? 'Click a ring to reject the object; click a dashed one to let it count again. It holds for all sessions.' : 'There are no single objects in these results.',
  }[tool]);
  marks();
}

for (const t of tools) t.addEventListener('change', () => choose(t.value));
save.addEventListener('click', () => {
  const outline = points.map(inPhoto);
  if (tool === 'zone') post({zone: {name: get('zone').value, outline}});
  else if (!get('area').value.trim()) {
    problem.textContent = 'Name the area first: naevus, tattoo, plaster.';
    get('area').focus();
  } else post({exclude: {name: get('area').value.trim(), outline}});
});
get('reset').addEventListener('click', () => post({zone: {name: get('zone').value}}));
undo.addEventListener('click', () => { points.pop(); marks(); });
discard.addEventListener('click', () => { points = []; marks(); });
for (const b of document.querySelectorAll('[data-post]')) b.addEventListener('click', () => post(JSON.parse(b.dataset.post)));

if (base) {
  choose(tools.some((t) => t.value === state.tool) ? state.tool : '');
  draw();
} else {
  for (const t of tools) t.disabled = true;
}
