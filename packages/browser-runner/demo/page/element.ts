/** What an element is made with: attributes as strings, handlers as functions. Text is text, never markup. */
type Properties = Readonly<Record<string, string | number | boolean | ((event: Event) => void)>>;

/**
 * Makes an element.
 * @param properties attributes; `true` sets one without a value, `false` leaves it out; `onclick` and the like listen
 * @param children elements, or text that is taken literally
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Properties = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(key.replace(/^on/, ""), value);
    else if (value !== false) made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/**
 * Finds an element of the page by its id.
 * @throws Error where the page has none of this kind: a fault of the page
 */
export function byId<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} "${id}".`);
  return found;
}
