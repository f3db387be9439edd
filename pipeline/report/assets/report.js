'use strict';
// Slider, overlays and choice of session. Without this script the page shows the
// same pictures, half baseline and half latest.
for (const viewer of document.querySelectorAll('.viewer')) {
  const stage = viewer.querySelector('.stage');
  if (!stage) continue;
  const slide = viewer.querySelector('input[type=range]');
  if (slide) {
    const move = () => {
      stage.style.setProperty('--p', slide.value + '%');
      slide.setAttribute('aria-valuetext', slide.dataset.text.replace('%', slide.value + ' %'));
    };
    slide.addEventListener('input', move);
    move();
    const drag = (e) => {
      const box = stage.getBoundingClientRect();
      slide.value = Math.round(100 * (e.clientX - box.left) / box.width);
      move();
    };
    stage.addEventListener('pointerdown', (e) => { stage.setPointerCapture(e.pointerId); drag(e); e.preventDefault(); });
    stage.addEventListener('pointermove', (e) => { if (stage.hasPointerCapture(e.pointerId)) drag(e); });
  }
  for (const box of viewer.querySelectorAll('[data-overlay]')) {
    const show = () => stage.classList.toggle('show-' + box.dataset.overlay, box.checked);
    box.addEventListener('change', show);
    show();
  }
  const buttons = viewer.querySelectorAll('[data-layer]');
  for (const button of buttons) {
    button.addEventListener('click', () => {
      for (const other of buttons) {
        const on = other === button;
        other.setAttribute('aria-pressed', on);
        document.getElementById(other.dataset.layer).hidden = !on;
      }
    });
  }
}
