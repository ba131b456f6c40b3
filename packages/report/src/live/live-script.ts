/**
 * The live page's script: it puts what the server sends where it belongs, says when the connection is lost, and asks to
 * cancel. Whatever it takes for HTML was escaped by the server.
 */
export const LIVE_SCRIPT = `"use strict";
const byId = (id) => document.getElementById(id);
const say = (text) => { byId("connection").textContent = text; };
const events = new EventSource("events");
let isOver = false;
const on = (name, handle) => events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
const setState = (row, state) => {
  const cell = row.querySelector('[data-part="state"]');
  const before = cell.querySelector("progress");
  cell.innerHTML = state;
  const after = cell.querySelector("progress");
  if (before && after) { before.value = after.value; after.replaceWith(before); }
};

events.addEventListener("open", () => say("Connected."));
events.addEventListener("error", () => {
  if (!isOver) say("Connection lost: trying again. The sweep itself goes on if its process does.");
});

on("snapshot", ({ rows, text }) => {
  byId("cells").innerHTML = rows.join("");
  byId("progress").textContent = text;
});
on("row", ({ id, html }) => {
  const row = byId("cell-" + id);
  if (!row) return byId("cells").insertAdjacentHTML("beforeend", html);
  const hadFocus = row.contains(document.activeElement);
  row.outerHTML = html;
  if (hadFocus) (byId("cell-" + id).querySelector("button") || byId("main")).focus();
});
on("parts", ({ id, parts, state }) => {
  const row = byId("cell-" + id);
  if (!row) return;
  for (const [name, html] of Object.entries(parts)) {
    const cell = row.querySelector('[data-part="' + name + '"]');
    if (name !== "action" || !html) cell.innerHTML = html;
  }
  setState(row, state);
});
on("state", ({ id, state }) => { const row = byId("cell-" + id); if (row) setState(row, state); });
on("progress", ({ text }) => { byId("progress").textContent = text; });
on("over", ({ note, header, main }) => {
  isOver = true;
  events.close();
  say("");
  byId("progress").textContent = note;
  if (main) {
    byId("report-head").innerHTML = header;
    byId("main").innerHTML = main;
  } else {
    for (const button of document.querySelectorAll("[data-cancel]")) button.remove();
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-cancel]");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  button.firstChild.textContent = "Cancelling";
  const answer = await fetch("cells/" + button.dataset.cancel + "/cancel", { method: "POST" }).catch(() => null);
  if (!answer || !answer.ok) {
    button.setAttribute("aria-disabled", "false");
    button.firstChild.textContent = "Cancel";
    say(answer ? "This cell can no longer be cancelled." : "The sweep cannot be reached.");
  }
});
`;
