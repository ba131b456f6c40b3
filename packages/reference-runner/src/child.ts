import { serveRunner } from "@thaw/runner-kit";
import { createHost, environmentOf } from "./host.ts";
import { referenceSettings } from "./settings.ts";

serveRunner({ environment: (given) => environmentOf(referenceSettings(given)), createHost });
