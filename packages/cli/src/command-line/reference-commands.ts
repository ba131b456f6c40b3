import type { Command } from "commander";
import { doctorCommand } from "../commands/doctor.ts";
import { layersCommand } from "../commands/layers.ts";
import { type MigrateCommandOptions, migrateCommand } from "../commands/migrate.ts";
import { type SchemaCommandOptions, schemaCommand } from "../commands/schema.ts";

/** Registers the commands that train and judge nothing. */
export function addReferenceCommands(thaw: Command): void {
  thaw
    .command("layers")
    .description("show the layer table and what trains")
    .argument("<spec>", "spec file (JSON)")
    .action((spec: string) => layersCommand(spec));

  thaw
    .command("schema")
    .description("print the JSON Schema of a spec or a sweep")
    .argument("[kind]", "spec or sweep", "spec")
    .option("--markdown", "print a reference of all fields to read", false)
    .action((kind: string, options: SchemaCommandOptions) => schemaCommand(kind, options));

  thaw
    .command("migrate")
    .description("copy files of an older Thaw, each in the version that this one writes")
    .argument("<path>", "folder of results, or one file")
    .requiredOption("--out <dir>", "new folder for the copies")
    .action(async (path: string, options: MigrateCommandOptions) => {
      process.exitCode = await migrateCommand(path, options);
    });

  thaw
    .command("doctor")
    .description("say what is there and what is missing")
    .option("--json", "as JSON", false)
    .action(async (options: { readonly json: boolean }) => {
      process.exitCode = await doctorCommand(options);
    });
}
