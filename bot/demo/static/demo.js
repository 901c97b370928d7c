// Shows the toolbar's status line only when a person has something to know or do.
const status = document.getElementById("action-status");
const matters = /interrupted|uncertain|not completed|ended|closed|unavailable/i;
const look = () => status.classList.toggle("matters", matters.test(status.textContent));
new MutationObserver(look).observe(status, { childList: true, characterData: true, subtree: true });
look();

// Keeps the newest text in sight while it grows, until the person scrolls away; going back to the end follows again.
const timeline = document.getElementById("channel-timeline");
const atEnd = () => timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < 24;
let following = true;
let touched = -Infinity;
for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
  timeline.addEventListener(kind, () => { touched = performance.now(); }, { passive: true });
}
timeline.addEventListener("scroll", () => {
  if (performance.now() - touched < 1000) following = atEnd();
}, { passive: true });
document.getElementById("channel-composer").addEventListener("submit", () => { following = true; });
const follow = () => {
  if (following) timeline.scrollTop = timeline.scrollHeight;
};
const sizes = new ResizeObserver(follow);
sizes.observe(timeline);
sizes.observe(document.getElementById("channel-message-list"));
// Each time the page has been drawn, it may have moved to a message of its own choice.
const page = document.getElementById("preview-app");
new MutationObserver(follow).observe(page, { attributes: true, attributeFilter: ["aria-busy"] });

// What follows a command's name goes into its first option, as in Discord, however it was typed or pasted.
const composer = document.getElementById("channel-composer");
const line = document.getElementById("channel-composer-input");
const put = (field, text) => {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
let choosing = false;
line.addEventListener("input", () => {
  const [, name] = /^(\/\S+) [^\n]*$/.exec(line.value) ?? [];
  if (choosing || !name) return;
  choosing = true;
  const typed = line.value;
  put(line, name);
  const called = (entry) => entry.querySelector("strong").textContent + " ";
  const entry = [...composer.querySelectorAll(".command-entry")].find((entry) => typed.startsWith(called(entry)));
  const rest = entry ? typed.slice(called(entry).length) : "";
  entry?.click();
  const field = composer.querySelector(".command-option-input");
  if (rest && field) put(field, rest);
  else if (rest) composer.querySelector(".command-context-close").click();
  if (!entry || (rest && !field)) put(line, typed);
  choosing = false;
});

// Enter sends what was chosen from a list, which stays open, and does not choose the first of the list instead.
let chosen = null;
document.addEventListener("click", (event) => {
  chosen = event.target.closest(".command-suggestion")?.dataset.value ?? chosen;
}, true);
composer.addEventListener("input", () => { chosen = null; });
composer.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Enter" || !field.matches(".command-option-input") || field.value !== chosen) return;
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
}, true);
