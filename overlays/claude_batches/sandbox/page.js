// Refreshes the page every second, section by section, and sends its controls as JSON.
"use strict";

const EVERY = 1000;

// The page as the server sent it. Opening an element changes the shown page, but not this one.
let sent = document.querySelector("main").cloneNode(true);

function replace(old, fresh) {
  const focused = document.activeElement?.id;
  for (const opened of old.querySelectorAll("details[open]")) {
    fresh.querySelector(`#${CSS.escape(opened.id)}`)?.setAttribute("open", "");
  }
  old.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function update(fresh) {
  const shown = document.querySelector("main");
  const next = fresh.cloneNode(true);
  const ids = (main) => Array.from(main.children, (part) => part.id).join();
  if (ids(shown) !== ids(fresh)) {
    replace(shown, fresh);
  } else {
    // Only changed sections are replaced, so that the others stay still.
    Array.from(fresh.children).forEach((part, index) => {
      if (part.outerHTML !== sent.children[index].outerHTML) replace(shown.children[index], part);
    });
  }
  sent = next;
}

async function fetchPage() {
  try {
    return new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  } catch {
    return null; // the sandbox has stopped, and may start again
  }
}

async function send(element, body) {
  const [method, path] = element.dataset.send.split(" ");
  if (element.dataset.confirm && !window.confirm(element.dataset.confirm)) return;
  const notice = document.getElementById("notice");
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    notice.hidden = response.ok;
    if (!response.ok) notice.textContent = (await response.json()).error.message;
  } catch (error) {
    notice.hidden = false;
    notice.textContent = String(error);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-send]");
  if (button) send(button);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-send]");
  if (!form) return;
  event.preventDefault();
  const body = {};
  try {
    for (const field of form.elements) {
      if (field.name && field.type !== "submit") {
        body[field.name] = "json" in field.dataset ? JSON.parse(field.value) : field.value;
      }
    }
    if (event.submitter?.name) body[event.submitter.name] = Number(event.submitter.value);
    send(form, body);
  } catch (error) {
    const notice = document.getElementById("notice");
    notice.hidden = false;
    notice.textContent = String(error);
  }
});

async function refresh() {
  // A selection would be lost.
  if (!document.hidden && getSelection().isCollapsed) {
    const page = await fetchPage();
    const fresh = page?.querySelector("main");
    document.getElementById("lost").hidden = Boolean(fresh);
    if (fresh) {
      document.title = page.title;
      update(fresh);
    }
  }
  setTimeout(refresh, EVERY);
}

setTimeout(refresh, EVERY);
