import { describe, expect, it } from "vitest";
import { code, plain } from "../src/card/markdown.ts";
import { modelCard } from "../src/card/model-card.ts";
import { exportedNetwork } from "../src/exported-network.ts";
import { tinyModel } from "./tiny-model.ts";

describe("a model card", () => {
  it("says of an imported model that nothing is known of its training", async () => {
    const model = await tinyModel();
    const card = modelCard(model, {
      network: exportedNetwork(model, false),
      files: [{ path: "model.onnx", bytes: 5, sha256: "ab", about: "any runtime" }],
      from: "tiny.model.safetensors",
      thawVersion: "1.2.3",
      date: new Date("2026-11-26T12:00:00Z"),
    });
    expect(card).toContain("# mobilenet\\_v2\\_0.35\\_32");
    expect(card).toContain("Exported on 2026-11-26 by Thaw 1.2.3");
    expect(card).toContain("No run of Thaw stands behind it");
    expect(card).toContain("Not taken over: flip: while training.");
    expect(card).toContain("in the order of the classes: boots, sandals, sneakers.");
    expect(card).toContain("| `model.onnx` | 5 | `ab` | any runtime |");
    expect(card).not.toContain("## Metrics");
  });

  it("lets no name say anything in Markdown or HTML", () => {
    expect(plain("<img src=x>|[a](b)\n# *c* `d`")).toBe("\\<img src=x\\>\\|\\[a\\](b)\\# \\*c\\* \\`d\\`");
    expect(code("a`b\u001b")).toBe("`ab`");
  });
});
