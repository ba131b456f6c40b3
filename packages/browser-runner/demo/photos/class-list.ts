import { serializeError } from "@thaw/core";
import { byId } from "../page/element.ts";
import { type ClassCard, classCard } from "./class-card.ts";
import { dropTarget } from "./drop-target.ts";
import { pickedFolder } from "./dropped-files.ts";
import type { Inspected } from "./photo-api.ts";
import type { NamedFiles, PhotoClass } from "./photo-class.ts";
import type { PhotoLink } from "./photo-link.ts";

/** The classes on the page. */
export interface ClassList {
  classes(): readonly PhotoClass[];
  /** Adds photos to the class of a name, which is made where it is missing. */
  receive(className: string, files: readonly File[]): Promise<void>;
}

/** Photos opened at the same time: decoding is the browser's work on other threads. */
const AT_ONCE = 4;

/** Makes the list in its place on the page, with two classes to begin with. */
export function classList(photos: PhotoLink, onChange: () => void): ClassList {
  const place = byId("classes", HTMLDivElement);
  const note = byId("photo-note", HTMLParagraphElement);
  const cards: ClassCard[] = [];
  /** File hashes and the card that each is in: an image in two parts of a split would flatter the result. */
  const seen = new Map<string, ClassCard>();
  let waiting = Promise.resolve();

  const nameOf = (card: ClassCard): string => card.content().name;
  const named = (name: string): ClassCard | undefined => cards.find((card) => nameOf(card) === name);

  function freeName(): string {
    let number = cards.length + 1;
    while (named(`Class ${number}`) !== undefined) number += 1;
    return `Class ${number}`;
  }

  function forget(card: ClassCard): void {
    const { photos: left } = card.content();
    const kept = new Set(left.map(({ sha256 }) => sha256));
    for (const [hash, owner] of seen) if (owner === card && !kept.has(hash)) seen.delete(hash);
  }

  async function addPhotos(card: ClassCard, files: readonly File[]): Promise<void> {
    const refused: string[] = [];
    let added = 0;
    const admit = (file: File, { sha256, thumbnail }: Inspected): void => {
      const owner = seen.get(sha256);
      if (owner !== undefined) {
        refused.push(`${file.name} is in ${nameOf(owner)} already.`);
        return;
      }
      seen.set(sha256, card);
      card.add({ file, sha256, thumbnail: URL.createObjectURL(thumbnail) });
      added += 1;
    };
    forget(card);
    for (let start = 0; start < files.length; start += AT_ONCE) {
      note.textContent = `Opening photos: ${start} of ${files.length}`;
      const bunch = files.slice(start, start + AT_ONCE);
      const opened = await Promise.allSettled(bunch.map((file) => photos.inspect(file)));
      // In the order of the files: it decides which are held out, and the numbers.
      for (const [at, result] of opened.entries()) {
        const file = bunch[at];
        if (file === undefined) continue;
        if (result.status === "fulfilled") admit(file, result.value);
        else refused.push(serializeError(result.reason).message);
      }
    }
    const shown = refused.slice(0, 3).join(" ");
    const more = refused.length > 3 ? ` And ${refused.length - 3} more.` : "";
    const was = added === 1 ? "1 photo was" : `${added} photos were`;
    note.textContent = `${was} added to ${nameOf(card)}.${refused.length > 0 ? ` Left out: ${shown}${more}` : ""}`;
    onChange();
  }

  /** One batch after the other: hashes that are seen decide what is let in. */
  function receive(card: ClassCard, files: readonly File[]): Promise<void> {
    waiting = waiting.then(() => addPhotos(card, files));
    return waiting;
  }

  function addCard(name: string): ClassCard {
    const card = classCard(name, {
      flawOfName(asked, asking) {
        if (asked === "") return "A class needs a name.";
        const other = named(asked);
        return other === undefined || other === asking ? null : `There is a class ${asked} already.`;
      },
      receive: (target, files) => void receive(target, files),
      removed(gone) {
        cards.splice(cards.indexOf(gone), 1);
        for (const [hash, owner] of seen) if (owner === gone) seen.delete(hash);
        gone.root.remove();
        byId("add-class", HTMLButtonElement).focus();
        onChange();
      },
      changed() {
        forget(card);
        onChange();
      },
    });
    cards.push(card);
    place.append(card.root);
    return card;
  }

  /** The class of a name: one that is there, an untouched one that takes it, or a new one. */
  function cardFor(name: string): ClassCard {
    const known = named(name);
    if (known !== undefined) return known;
    const untouched = cards.find((card) => /^Class \d+$/.test(nameOf(card)) && card.content().photos.length === 0);
    if (untouched === undefined) return addCard(name);
    untouched.rename(name);
    return untouched;
  }

  async function receiveGroups(groups: readonly NamedFiles[]): Promise<void> {
    for (const { folder, files } of groups) {
      const first = cards[0] ?? addCard(freeName());
      await receive(folder === null ? first : cardFor(folder), files);
    }
  }

  byId("add-class", HTMLButtonElement).addEventListener("click", () => {
    addCard(freeName()).focusName();
    onChange();
  });
  const folder = byId("add-folder", HTMLInputElement);
  folder.addEventListener("change", () => {
    void receiveGroups(pickedFolder([...(folder.files ?? [])]));
    folder.value = "";
  });
  dropTarget(byId("photos", HTMLElement), (groups) => void receiveGroups(groups));
  addCard("Class 1");
  addCard("Class 2");

  return {
    classes: () => cards.map((card) => card.content()),
    receive: (name, files) => receive(cardFor(name), files),
  };
}
