// What makes the pages handier where scripts run. Without it every page works all the same.
(() => {
  'use strict';
  const all = (selector) => [...document.querySelectorAll(selector)];

  for (const button of all('[data-copy]')) {
    const source = document.getElementById(button.dataset.copy);
    if (!source || !navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener('click', async () => {
      const lines = [...source.querySelectorAll('code')].map((line) => line.textContent);
      const text = lines.length > 0 ? lines.join('\n') : source.textContent.replaceAll(' ', '');
      const label = button.querySelector('span');
      const before = label.textContent;
      await navigator.clipboard.writeText(text);
      label.setAttribute('role', 'status');
      label.textContent = document.body.dataset.copied;
      setTimeout(() => (label.textContent = before), 3000);
    });
  }

  for (const button of all('[data-print]')) {
    button.hidden = false;
    button.addEventListener('click', () => window.print());
  }

  for (const button of all('[data-reveal]')) {
    const field = document.getElementById(button.dataset.reveal);
    const show = (shown) => {
      field.type = shown ? 'text' : 'password';
      button.setAttribute('aria-pressed', String(shown));
    };
    button.hidden = false;
    button.addEventListener('click', () => {
      show(field.type === 'password');
      field.focus();
    });
    // Sent as a password, so that browsers offer to keep it and never list it among typed words.
    field.form.addEventListener('submit', () => show(false));
  }

  // The last digit sends the form, unless the last try was wrong: then the person decides when.
  for (const field of all('[data-digits]')) {
    const wanted = Number(field.dataset.digits);
    let sent = field.getAttribute('aria-invalid') === 'true' || document.querySelector('[role="alert"]') !== null;
    field.addEventListener('input', () => {
      const western = field.value.replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 15));
      if (western !== field.value) field.value = western;
      const others = [...field.form.elements].some((other) => other.required && other !== field && !other.value);
      if (sent || others || western.replace(/\D/g, '').length !== wanted) return;
      sent = true;
      field.form.requestSubmit();
    });
  }

  // A second click on a slow line must not send twice.
  for (const form of all('form[method="post"]')) {
    let sent = false;
    form.addEventListener('submit', (event) => {
      if (sent) event.preventDefault();
      sent = true;
    });
    window.addEventListener('pageshow', () => (sent = false));
  }

  for (const meter of all('[data-strength-words]')) {
    const words = meter.dataset.strengthWords.split('|');
    const field = document.querySelector('[data-strength]');
    const least = Number(field.minLength) || 8;
    let timer;
    const show = (step) => {
      meter.textContent = field.value === '' ? '' : words[step];
      meter.dataset.step = String(step);
    };
    // The guess made here at once is put right by the service, which knows what people use.
    const ask = async (text) => {
      const body = new URLSearchParams({ password: text });
      const response = await fetch(meter.dataset.strengthHref, { method: 'POST', body });
      const { step } = await response.json();
      if (field.value === text && step !== undefined) show(step);
    };
    field.addEventListener('input', () => {
      const text = field.value;
      const length = [...text].length;
      const variety = new Set(text.toLowerCase()).size;
      const runs = (text.match(/(.)\1{2,}|0123|1234|2345|abcd|qwer|asdf|pass/gi) ?? []).length;
      const worth = Math.min(length, variety * 1.6) - runs * 4;
      const step = length < least ? 0 : worth < 10 ? 0 : worth < 13 ? 1 : worth < 17 ? 2 : 3;
      show(step);
      clearTimeout(timer);
      if (length >= least) timer = setTimeout(() => ask(text).catch(() => {}), 400);
    });
  }

  for (const clock of all('[data-countdown]')) {
    const end = performance.now() + Number(clock.dataset.countdown) * 1000;
    const held = all('[data-after-wait], main form:first-of-type > button.button');
    const face = clock.querySelector('span');
    const hold = (on) => {
      for (const control of held) {
        if (control.tagName === 'BUTTON') control.disabled = on;
        else control.toggleAttribute('inert', on);
        control.classList.toggle('waits', on);
      }
    };
    const tick = () => {
      const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      const pad = (number) => String(number).padStart(2, '0');
      const hours = Math.floor(left / 3600);
      face.textContent = `${hours > 0 ? `${hours}:` : ''}${pad(Math.floor(left / 60) % 60)}:${pad(left % 60)}`;
      if (left > 0) return;
      clearInterval(timer);
      hold(false);
      clock.classList.remove('runs');
    };
    const timer = setInterval(tick, 250);
    clock.classList.add('runs');
    hold(true);
    tick();
  }

  for (const form of all('[data-leave-warning]')) {
    const warn = (event) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    form.addEventListener('submit', () => window.removeEventListener('beforeunload', warn));
    // Keeping the codes as a file leaves no page.
    for (const link of all('a[download]')) {
      link.addEventListener('click', () => {
        window.removeEventListener('beforeunload', warn);
        setTimeout(() => window.addEventListener('beforeunload', warn), 500);
      });
    }
  }

  // On a phone the sections are a row that scrolls: the one we are in should be seen.
  const row = document.querySelector('.sections');
  const current = row?.querySelector('[aria-current]');
  if (current && row.scrollWidth > row.clientWidth) {
    current.scrollIntoView({ block: 'nearest', inline: 'center', behavior: 'instant' });
  }
})();
