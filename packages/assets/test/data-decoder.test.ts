import { crc32, deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage, decodingOf, type ResizeRule } from "../src/data/decoder.ts";

const SIDE = 48;

/** An image without any symmetry: smooth in places, so that JPEG keeps it well. */
function pattern(width: number, height: number): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      pixels.set([(x * 255) / width, (y * 255) / height, x > y ? 200 : (x * y) % 64], (y * width + x) * 3);
    }
  }
  return pixels;
}

function opened(width = SIDE, height = SIDE): Sharp {
  return sharp(pattern(width, height), { raw: { width, height, channels: 3 } });
}

function flat(r: number, g: number, b: number, alpha?: number): Sharp {
  const background = { r, g, b, alpha: (alpha ?? 255) / 255 };
  return sharp({ create: { width: 20, height: 20, channels: alpha === undefined ? 3 : 4, background } });
}

async function pixelsOf(bytes: Uint8Array, size = SIDE, rule: ResizeRule = "stretch"): Promise<Uint8Array> {
  const decoded = await decodeImage(bytes, size, rule);
  if ("reason" in decoded) throw new Error(decoded.reason);
  expect(decoded.pixels.byteLength).toBe(size * size * 3);
  return decoded.pixels;
}

async function reasonOf(bytes: Uint8Array): Promise<string> {
  const decoded = await decodeImage(bytes, SIDE, "stretch");
  return "reason" in decoded ? decoded.reason : "decoded";
}

function at(pixels: Uint8Array, x: number, y: number, size = SIDE): number[] {
  return [...pixels.subarray((y * size + x) * 3, (y * size + x) * 3 + 3)];
}

function expectNear(found: readonly number[], expected: readonly number[], tolerance: number): void {
  const worst = Math.max(...found.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN))));
  expect(worst, `found ${found}, expected ${expected}`).toBeLessThanOrEqual(tolerance);
}

// Where pixel (x, y) of the upright image lies in the stored one. Source: EXIF 2.32, tag 274.
const LAST = SIDE - 1;
const ORIENTATIONS: Readonly<Record<number, (x: number, y: number) => [number, number]>> = {
  1: (x, y) => [x, y],
  2: (x, y) => [LAST - x, y],
  3: (x, y) => [LAST - x, LAST - y],
  4: (x, y) => [x, LAST - y],
  5: (x, y) => [y, x],
  6: (x, y) => [y, LAST - x],
  7: (x, y) => [LAST - y, LAST - x],
  8: (x, y) => [LAST - y, x],
};

describe("decodeImage", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("turns EXIF orientation %i upright, exactly", async (orientation) => {
    const file = await opened().jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer();
    expect((await sharp(file).metadata()).orientation).toBe(orientation);
    const stored = await sharp(file).raw().toBuffer();
    const expected = new Uint8Array(stored.byteLength);
    for (let y = 0; y < SIDE; y += 1) {
      for (let x = 0; x < SIDE; x += 1) {
        const [fromX, fromY] = ORIENTATIONS[orientation]?.(x, y) ?? [0, 0];
        expected.set(at(stored, fromX, fromY), (y * SIDE + x) * 3);
      }
    }
    expect(Buffer.compare(await pixelsOf(file), expected)).toBe(0);
  });

  it("scales after turning: a landscape photo of orientation 6 is padded at its sides", async () => {
    const file = await flat(255, 255, 255)
      .resize(40, 20, { fit: "fill" })
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const pixels = await pixelsOf(file, 40, "pad");
    expectNear(at(pixels, 2, 20, 40), [0, 0, 0], 2);
    expectNear(at(pixels, 20, 2, 40), [255, 255, 255], 2);
  });

  it("keeps a lossless WebP, a palette-free PNG and an interlaced PNG of the right size bit for bit", async () => {
    const source = pattern(SIDE, SIDE);
    for (const file of [opened().webp({ lossless: true }), opened().png(), opened().png({ progressive: true })]) {
      expect(Buffer.compare(await pixelsOf(await file.toBuffer()), source)).toBe(0);
    }
  });

  it("lays transparency over white", async () => {
    const half = await flat(200, 0, 0, 128).png().toBuffer();
    expectNear(at(await pixelsOf(half), 10, 10), [227, 127, 127], 1); // 200 a + 255 (1 - a), a = 128 / 255
    const clear = await flat(0, 0, 0, 0).webp().toBuffer();
    expectNear(at(await pixelsOf(clear), 10, 10), [255, 255, 255], 0);
  });

  it("brings 16 bit to 8, in colour and grey, with and without alpha", async () => {
    const colour = await opened().toColourspace("rgb16").png().toBuffer();
    expect((await sharp(colour).metadata()).depth).toBe("ushort");
    expectNear([...(await pixelsOf(colour))], [...pattern(SIDE, SIDE)], 1);
    const grey = await flat(90, 90, 90).toColourspace("grey16").png().toBuffer();
    expect(await sharp(grey).metadata()).toMatchObject({ depth: "ushort", channels: 1 });
    expectNear(at(await pixelsOf(grey), 5, 5), [90, 90, 90], 1);
    const alpha = await flat(100, 50, 25, 255).toColourspace("rgb16").png().toBuffer();
    expect(await sharp(alpha).metadata()).toMatchObject({ depth: "ushort", channels: 4 });
    expectNear(at(await pixelsOf(alpha), 5, 5), [100, 50, 25], 1);
  });

  it("gives grey JPEG three equal channels", async () => {
    const file = await flat(90, 90, 90).toColourspace("b-w").jpeg().toBuffer();
    expect((await sharp(file).metadata()).channels).toBe(1);
    expectNear(at(await pixelsOf(file), 5, 5), [90, 90, 90], 1);
  });

  it.each([
    ["white", [255, 255, 255], 3],
    ["black", [0, 0, 0], 60], // a CMYK black is a dark grey
    ["grey", [128, 128, 128], 16],
    ["sand", [200, 170, 130], 16],
  ] as const)("brings CMYK JPEG to sRGB: %s", async (_, [r, g, b], tolerance) => {
    const file = await flat(r, g, b).toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer();
    expect(await sharp(file).metadata()).toMatchObject({ space: "cmyk", channels: 4 });
    expectNear(at(await pixelsOf(file), 10, 10), [r, g, b], tolerance);
  });

  it("applies an embedded profile: Display P3 as phones write it", async () => {
    const file = await flat(180, 90, 60).withIccProfile("p3").png().toBuffer();
    const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
    expect(Math.abs((stored[0] ?? 0) - 180)).toBeGreaterThan(5); // the file's own numbers are P3's
    expectNear(at(await pixelsOf(file), 5, 5), [180, 90, 60], 2);
  });

  it("resizes by the three rules", async () => {
    const left = await flat(255, 0, 0).resize(20, 20, { fit: "fill" }).png().toBuffer();
    const file = await flat(0, 0, 255)
      .resize(60, 20, { fit: "fill" })
      .composite([{ input: left, left: 0, top: 0 }])
      .png()
      .toBuffer();
    const stretched = await pixelsOf(file, 30, "stretch");
    expectNear(at(stretched, 3, 15, 30), [255, 0, 0], 1);
    expectNear(at(stretched, 16, 15, 30), [0, 0, 255], 1);
    const cropped = await pixelsOf(file, 30, "crop"); // the middle 20 x 20, all blue
    expectNear(at(cropped, 2, 15, 30), [0, 0, 255], 1);
    const padded = await pixelsOf(file, 30, "pad"); // 30 x 10 in the middle
    expectNear(at(padded, 15, 4, 30), [0, 0, 0], 0);
    expectNear(at(padded, 3, 15, 30), [255, 0, 0], 1);
  });

  it("enlarges bilinearly, half an output pixel to the upper left as libvips samples", async () => {
    const file = await sharp(Buffer.from([0, 80, 40, 240]), { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toBuffer();
    const pixels = await pixelsOf(file, 8);
    const source = (x: number, y: number): number => [0, 80, 40, 240][y * 2 + x] ?? Number.NaN;
    for (let y = 0; y < 8; y += 1) {
      for (let x = 0; x < 8; x += 1) {
        const [u, v] = [x, y].map((value) => Math.min(1, Math.max(0, value / 4 - 0.5))) as [number, number];
        const top = source(0, 0) * (1 - u) + source(1, 0) * u;
        const bottom = source(0, 1) * (1 - u) + source(1, 1) * u;
        const expected = top * (1 - v) + bottom * v;
        expectNear(at(pixels, x, y, 8), [expected, expected, expected], 1);
      }
    }
  });

  it("shrinks with antialiasing: a fine chequerboard becomes grey", async () => {
    const board = Buffer.from(Array.from({ length: 64 * 64 }, (_, index) => ((index + (index >> 6)) % 2) * 255));
    const file = await sharp(board, { raw: { width: 64, height: 64, channels: 1 } })
      .png()
      .toBuffer();
    const pixels = await pixelsOf(file, 16);
    expect(Math.min(...pixels)).toBeGreaterThan(110);
    expect(Math.max(...pixels)).toBeLessThan(145);
  });

  it("gives the same bytes whatever the number of threads", async () => {
    const file = await opened(1200, 900).jpeg().toBuffer();
    const before = sharp.concurrency();
    const results: Uint8Array[] = [];
    for (const threads of [1, 2, 5]) {
      sharp.concurrency(threads);
      for (const rule of ["stretch", "crop", "pad"] as const) results.push(await pixelsOf(file, 160, rule));
    }
    sharp.concurrency(before);
    for (const [index, result] of results.entries()) {
      expect(Buffer.compare(result, results[index % 3] as Uint8Array)).toBe(0);
    }
  });

  it("takes the first frame of an animated WebP", async () => {
    const frames = [await flat(250, 0, 0).png().toBuffer(), await flat(0, 0, 250).png().toBuffer()];
    const file = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
    expect((await sharp(file).metadata()).pages).toBe(2);
    expectNear(at(await pixelsOf(file), 10, 10), [250, 0, 0], 0);
  });

  it("names why it refuses a file", async () => {
    const jpeg = await opened().jpeg().toBuffer();
    const png = await opened().png().toBuffer();
    const webp = await opened().webp().toBuffer();
    const flipped = Buffer.from(png);
    flipped[png.length - 20] = (flipped[png.length - 20] ?? 0) ^ 0xff;
    expect(await reasonOf(new Uint8Array())).toBe("the file is empty");
    expect(await reasonOf(Buffer.from("not an image at all"))).toBe("no JPEG, PNG or WebP image");
    expect(await reasonOf(jpeg.subarray(0, jpeg.length / 2))).toMatch(/premature end of JPEG/);
    expect(await reasonOf(jpeg.subarray(0, jpeg.length - 100))).toMatch(/premature end of JPEG/);
    expect(await reasonOf(png.subarray(0, png.length / 2))).toMatch(/png/);
    expect(await reasonOf(flipped)).toMatch(/png/);
    expect(await reasonOf(webp.subarray(0, webp.length / 2))).toMatch(/webp/);
    expect(await reasonOf(await opened().gif().toBuffer())).toBe("the content is gif, not JPEG, PNG or WebP");
    expect(await reasonOf(await opened().tiff().toBuffer())).toBe("the content is tiff, not JPEG, PNG or WebP");
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    expect(await reasonOf(Buffer.from(svg))).toBe("the content is svg, not JPEG, PNG or WebP");
  });

  it("hands libvips nothing but what begins like a photo", async () => {
    const laughs = '<!DOCTYPE svg [<!ENTITY a "ha">]><svg xmlns="http://www.w3.org/2000/svg"><text>&a;</text></svg>';
    expect(await reasonOf(Buffer.from(`\ufeff\n <!--c-->${laughs}`))).toBe("the content is svg, not JPEG, PNG or WebP");
    expect(await reasonOf(Buffer.from(`<?xml version="1.0"?>${laughs}`))).toBe(
      "the content is svg, not JPEG, PNG or WebP",
    );
    expect(await reasonOf(Buffer.from("\0\0\0\x18ftypheic"))).toBe("the content is heif, not JPEG, PNG or WebP");
    expect(await reasonOf(Buffer.from("%PDF-1.7"))).toBe("the content is pdf, not JPEG, PNG or WebP");
    expect(await reasonOf(Buffer.from("x<svg/>"))).toBe("no JPEG, PNG or WebP image");
  });

  it.each([
    [50_000, 50_000, "more than 150 million pixels"],
    [1_000_000, 32, "a side of more than 65535 pixels"], // it took 300 MB
    [32, 65_536, "a side of more than 65535 pixels"],
  ])("refuses an image bomb by its header: %i x %i", async (width, height, reason) => {
    const chunk = (type: string, data: Buffer): Buffer => {
      const body = Buffer.concat([Buffer.from(type), data]);
      const frame = Buffer.alloc(8);
      frame.writeUInt32BE(data.length, 0);
      frame.writeUInt32BE(crc32(body), 4);
      return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([1, 0, 0, 0, 0], 8); // 1 bit grey
    const lines = deflateSync(Buffer.alloc(1000));
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const bomb = Buffer.concat([
      signature,
      chunk("IHDR", header),
      chunk("IDAT", lines),
      chunk("IEND", Buffer.alloc(0)),
    ]);
    expect(await reasonOf(bomb)).toBe(reason);
  });

  it("describes itself with its versions", () => {
    expect(decodingOf("crop")).toMatchObject({
      decoder: `sharp ${sharp.versions.sharp}`,
      resize: "crop",
      kernel: "linear",
    });
    expect(decodingOf("crop").libraries).toContain(`vips ${sharp.versions.vips}`);
  });
});
