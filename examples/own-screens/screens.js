// Draws whatever step the service says comes next. A step is `{ page, action, fields, csrf, error, retry_after }`; what is
// typed goes to `action` as a form does, with the `csrf` it came with. The last one says where to go.
const titles = {
  password: 'Who are you?',
  'one-time-code': 'Enter the code from your authenticator app',
  'recovery-code': 'Enter one of your recovery codes',
  enrol: 'Set up your authenticator',
  'recovery-codes': 'Keep these codes',
  consent: 'Go on?',
};
const types = { password: 'password', email: 'email', checkbox: 'checkbox' };
const form = document.querySelector('form');
const alert = document.querySelector('[role="alert"]');

let shown;
form.addEventListener('submit', (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  body.set('csrf', shown.csrf);
  void ask(shown.action, body);
});

async function ask(address, body) {
  const headers = { Accept: 'application/json' };
  const answer = await fetch(address, body === undefined ? { headers } : { method: 'POST', headers, body });
  show(await answer.json());
}

function show(step) {
  if (step.page === 'finished') return location.assign(step.location);
  document.body.dataset.page = step.page;
  document.querySelector('h1').textContent = titles[step.page] ?? step.page;
  alert.hidden = step.error === undefined || step.error === null;
  alert.textContent = step.error?.message ?? '';
  form.replaceChildren();
  const facts = [step.enrolment?.secret, ...(step.codes ?? [])].filter(Boolean);
  if (facts.length > 0) form.append(Object.assign(document.createElement('pre'), { textContent: facts.join('\n') }));
  for (const field of step.fields ?? []) form.append(...inputs(field));
  if (!(step.fields ?? []).some(({ type }) => type === 'choice')) form.append(button('Continue'));
  shown = step;
  return form.querySelector('input')?.focus();
}

function inputs({ name, type, autocomplete, choices, optional }) {
  // A choice that may be left out needs no question: the service then takes what fits.
  if (type === 'choice') return optional ? [] : choices.map((value) => button(value, name, value));
  const label = document.createElement('label');
  const input = document.createElement('input');
  Object.assign(input, { name, type: types[type] ?? 'text', required: !optional, autocomplete: autocomplete ?? 'off' });
  if (type === 'one-time-code') input.inputMode = 'numeric';
  if (type === 'checkbox') input.value = 'yes';
  label.append(`${name} `, input);
  return [label];
}

function button(text, name = '', value = '') {
  return Object.assign(document.createElement('button'), { type: 'submit', textContent: text, name, value });
}

void ask(location.pathname);
