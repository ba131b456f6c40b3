import { serializeError, ThawError } from "@thaw/core";
import { z } from "zod";
import type { MlflowServer } from "./mlflow-server.ts";

const experimentSchema = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string().optional() }),
});
const createdSchema = z.object({ experiment_id: z.string() });

function noMlflow(): ThawError {
  return new ThawError("mlflow-refused", "The server's answer is not one of MLflow's.", {
    hint: "Look whether MLFLOW_TRACKING_URI is the address of an MLflow server.",
  });
}

async function findExperiment(server: MlflowServer, name: string): Promise<string | undefined> {
  let answer: object;
  try {
    answer = await server.get(`experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`);
  } catch (error) {
    if (serializeError(error).details?.errorCode === "RESOURCE_DOES_NOT_EXIST") return undefined;
    throw error;
  }
  const found = experimentSchema.safeParse(answer);
  if (!found.success) throw noMlflow();
  const { experiment_id: id, lifecycle_stage: stage } = found.data.experiment;
  if (stage === "deleted") {
    throw new ThawError("mlflow-refused", `MLflow's experiment "${name}" has been deleted.`, {
      hint: "Restore it, or name another one with MLFLOW_EXPERIMENT_NAME.",
    });
  }
  return id;
}

/**
 * The experiment of this name, a new one where there is none.
 * @returns its id
 * @throws ThawError `mlflow-unreachable`, `mlflow-refused`
 */
export async function openExperiment(server: MlflowServer, name: string): Promise<string> {
  const found = await findExperiment(server, name);
  if (found !== undefined) return found;
  try {
    const created = createdSchema.safeParse(await server.post("experiments/create", { name }));
    if (created.success) return created.data.experiment_id;
  } catch (error) {
    if (serializeError(error).details?.errorCode !== "RESOURCE_ALREADY_EXISTS") throw error;
    const other = await findExperiment(server, name); // somebody was faster
    if (other !== undefined) return other;
  }
  throw noMlflow();
}
