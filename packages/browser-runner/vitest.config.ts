import { packageTests } from "../../vitest.shared.ts";

// One file after the other: each has a browser, whose emulated GPU takes every core there is.
export default packageTests({ fileParallelism: false });
