// Keeps the page live: asks for it again every second, and puts in what has changed.
"use strict";

const EVERY = 1000;

// As the server sent it: a part that somebody unfolds something in has changed, but not for the server.
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
    // Part by part, so that what somebody reads stays still while the clock goes on.
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
    return null; // the sandbox has stopped; it may be started again
  }
}

async function refresh() {
  // Text that somebody selects, to copy it, would slip away under the mouse.
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
