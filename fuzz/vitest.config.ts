import { packageTests } from "../vitest.shared.ts";

export default packageTests({ testTimeout: 300_000 });
