import { fileURLToPath } from "node:url";
import { buildPage } from "./bundle-page.ts";

// The package's build: the page's bundle beside the compiled runner.
await buildPage(fileURLToPath(new URL("../dist/page", import.meta.url)));
