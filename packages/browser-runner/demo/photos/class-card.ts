import { element } from "../page/element.ts";
import { dropTarget } from "./drop-target.ts";
import type { NamedFiles, Photo, PhotoClass } from "./photo-class.ts";
import { thumbnailGrid } from "./thumbnail-grid.ts";

/** What a card asks of the list that it is in. */
export interface CardOwner {
  /** Why a name cannot be a class's, or null where it can. */
  flawOfName(name: string, card: ClassCard): string | null;
  /** Files for this class. */
  receive(card: ClassCard, files: readonly File[]): void;
  removed(card: ClassCard): void;
  changed(): void;
}

/** A class on the page. */
export interface ClassCard {
  readonly root: HTMLElement;
  content(): PhotoClass;
  add(photo: Photo): void;
  /** Gives it a name that is known to be good. */
  rename(name: string): void;
  focusName(): void;
}

function counted(count: number): string {
  return count === 1 ? "1 photo" : `${count} photos`;
}

/** Makes the card of a class without photos. */
export function classCard(initialName: string, owner: CardOwner): ClassCard {
  const photos = new Set<Photo>();
  let name = initialName;
  const field = element("input", { class: "class-name", value: name, "aria-label": "Class name", maxlength: 60 });
  const flaw = element("p", { class: "flaw", role: "alert" });
  const count = element("span", { class: "count" });
  const remove = element("button", { type: "button", class: "quiet" }, "Remove class");
  const picker = element("input", { type: "file", accept: "image/*", multiple: true, class: "visually-hidden" });
  const add = element("label", { class: "button add-photos" }, "Add photos", picker);
  const grid = thumbnailGrid((photo) => {
    photos.delete(photo);
    show();
    owner.changed();
  });
  const invitation = element("p", { class: "invitation" }, "Drop photos here");
  const root = element(
    "section",
    { class: "class-card" },
    element("div", { class: "class-head" }, field, count),
    flaw,
    element("div", { class: "class-photos" }, invitation, grid.list),
    element("div", { class: "class-foot" }, add, remove),
  );

  function show(): void {
    count.textContent = counted(photos.size);
    invitation.hidden = photos.size > 0;
    root.setAttribute("aria-label", `Class ${name}, ${counted(photos.size)}`);
    remove.setAttribute("aria-label", `Remove class ${name}`);
    picker.setAttribute("aria-label", `Add photos to ${name}`);
    grid.list.setAttribute("aria-label", `Photos of ${name}`);
  }

  const card: ClassCard = {
    root,
    content: () => ({ name, photos: [...photos] }),
    add(photo) {
      photos.add(photo);
      grid.add(photo);
      show();
    },
    rename(given) {
      name = given;
      field.value = given;
      show();
    },
    focusName: () => field.select(),
  };
  field.addEventListener("change", () => {
    const asked = field.value.trim();
    const found = owner.flawOfName(asked, card);
    flaw.textContent = found ?? "";
    field.setAttribute("aria-invalid", String(found !== null));
    if (found !== null) return;
    card.rename(asked);
    owner.changed();
  });
  picker.addEventListener("change", () => {
    owner.receive(card, [...(picker.files ?? [])]);
    picker.value = ""; // the same files again are a change too
  });
  remove.addEventListener("click", () => owner.removed(card));
  dropTarget(root, (groups: readonly NamedFiles[]) => {
    owner.receive(
      card,
      groups.flatMap(({ files }) => files),
    );
  });
  show();
  return card;
}
