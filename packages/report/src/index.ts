export { parityJunit } from "./junit.ts";
export { parityMarkdown } from "./markdown.ts";
export { type ReportInput, reportPage, type WantedPhoto, wantedPhotos } from "./page/page.ts";
export type { Photos } from "./page/photos.ts";
export { resultsMarkdown } from "./page/results-markdown.ts";
export type { SpeedPoint, SpeedRecording, SpeedRoof } from "./page/speed.ts";
export { parityText } from "./text.ts";
export { trainingWords } from "./what-trains.ts";
