import { type SquareRule, sourceRect, withoutAlpha } from "./pixels.ts";

/** Draws a photo into a square, turned as its EXIF says and laid over white. */
function drawSquare(bitmap: ImageBitmap, side: number, rule: SquareRule): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("the browser gives no canvas");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, side, side);
  context.imageSmoothingQuality = "high"; // antialiased where it shrinks
  const { x, y, width, height } = sourceRect(bitmap.width, bitmap.height, rule);
  context.drawImage(bitmap, x, y, width, height, 0, 0, side, side);
  return context;
}

/** Decodes a photo for as long as `use` takes. */
async function withBitmap<T>(file: Blob, use: (bitmap: ImageBitmap) => T): Promise<T> {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    return use(bitmap);
  } finally {
    bitmap.close();
  }
}

/**
 * Decodes a photo.
 * @returns uint8 [side, side, 3]
 * @throws DOMException where the browser cannot decode it
 */
export async function squarePixels(file: Blob, side: number, rule: SquareRule): Promise<Uint8Array> {
  return await withBitmap(file, (bitmap) => {
    const { data } = drawSquare(bitmap, side, rule).getImageData(0, 0, side, side);
    return withoutAlpha(data);
  });
}

/** A small square picture of a photo, its centre. */
export async function thumbnailOf(file: Blob, side: number): Promise<Blob> {
  const { canvas } = await withBitmap(file, (bitmap) => drawSquare(bitmap, side, "crop"));
  return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
}
