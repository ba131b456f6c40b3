import { ThawError } from "@thaw/core";

/** Where a tracking server is, and what it wants to see. */
export interface MlflowAddress {
  /** Without credentials, without a slash at the end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What no message may show. */
  readonly secrets: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A request that takes longer has failed. */
const TIMEOUT_MS = 10_000;
/** What is shown of a server's answer. */
const SHOWN = 300;
const WAY_OUT = "unset MLFLOW_TRACKING_URI, or give --no-mlflow.";

/**
 * @returns the server that MLFLOW_TRACKING_URI names, with MLflow's own variables for credentials; undefined without it
 * @throws ThawError `mlflow-address-invalid`
 */
export function mlflowAddress(env: Environment): MlflowAddress | undefined {
  const given = env.MLFLOW_TRACKING_URI;
  if (given === undefined || given === "") return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new ThawError("mlflow-address-invalid", "MLFLOW_TRACKING_URI is no plain http or https address.", {
      hint: `Thaw speaks to a tracking server, such as http://127.0.0.1:5000. Name one, ${WAY_OUT}`,
    });
  }
  const user = env.MLFLOW_TRACKING_USERNAME || decodeURIComponent(url.username);
  const password = env.MLFLOW_TRACKING_PASSWORD || decodeURIComponent(url.password);
  const token = env.MLFLOW_TRACKING_TOKEN ?? "";
  const basic = Buffer.from(`${user}:${password}`).toString("base64");
  const isBasic = user !== "" && password !== ""; // goes before a token, as in MLflow's own client
  return {
    url: `${url.origin}${url.pathname.replace(/\/+$/, "")}`,
    headers: isBasic ? { authorization: `Basic ${basic}` } : token === "" ? {} : { authorization: `Bearer ${token}` },
    secrets: [password, token, ...(isBasic ? [basic] : [])].filter((secret) => secret !== ""),
  };
}

function redacted(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "…"), text);
}

/** What made a request fail, in undici's innermost words. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1000} s`;
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

function refusal({ url, secrets }: MlflowAddress, status: number, answer: string): ThawError {
  const { error_code: code, message } = parsed(answer) as { error_code?: unknown; message?: unknown };
  const told = typeof message === "string" ? message : answer;
  const shown = redacted(told, secrets).trim().slice(0, SHOWN);
  const hint =
    status === 401 || status === 403
      ? "Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
      : `Look into the server's log; ${WAY_OUT}`;
  return new ThawError("mlflow-refused", `MLflow at ${url} answers ${status}: ${shown || "nothing"}`, {
    hint,
    details: { status, ...(typeof code === "string" ? { errorCode: code } : {}) },
  });
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Requests to a tracking server. Every one throws ThawError `mlflow-unreachable` or `mlflow-refused`. */
export interface MlflowServer {
  /** @param path below `/api/2.0/mlflow/`, with its query */
  get(path: string): Promise<object>;
  /** @param path below `/api/2.0/mlflow/` */
  post(path: string, body: object): Promise<object>;
  /** @param path below `/api/2.0/mlflow-artifacts/artifacts/` */
  putArtifact(path: string, bytes: Uint8Array): Promise<void>;
}

/** @see https://mlflow.org/docs/latest/rest-api.html */
export function mlflowServer(address: MlflowAddress): MlflowServer {
  async function request(path: string, init: RequestInit): Promise<object> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${address.url}/api/2.0/${path}`, {
        ...init,
        headers: { ...address.headers, "content-type": "application/json" },
        redirect: "error", // what is recorded goes where it was sent, or nowhere
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      const reason = redacted(reasonOf(cause), address.secrets);
      throw new ThawError("mlflow-unreachable", `MLflow at ${address.url} cannot be reached: ${reason}.`, {
        hint: `Start the server, correct its address, ${WAY_OUT}`,
      });
    }
    if (status >= 200 && status < 300) return parsed(text);
    throw refusal(address, status, text);
  }
  return {
    get: (path) => request(`mlflow/${path}`, {}),
    post: (path, body) => request(`mlflow/${path}`, { method: "POST", body: JSON.stringify(body) }),
    async putArtifact(path, bytes) {
      await request(`mlflow-artifacts/artifacts/${path}`, { method: "PUT", body: bytes });
    },
  };
}
