import { describe, expect, it } from "vitest";
import { programEnvironment } from "../src/program-environment.ts";

const names = (env: Record<string, string>, also?: readonly string[]): string[] =>
  Object.keys(programEnvironment(env, also));

describe("programEnvironment", () => {
  it.each([
    ["PATH", "/usr/bin"],
    ["Path", "C:\\Windows"],
    ["SystemRoot", "C:\\Windows"],
    ["LC_ALL", "C.UTF-8"],
    ["THAW_CACHE", "/cache"],
    ["CUDA_VISIBLE_DEVICES", "0"],
    ["NVIDIA_TF32_OVERRIDE", "0"],
    ["TF_CPP_MIN_LOG_LEVEL", "2"],
    ["XLA_FLAGS", "--xla_gpu_deterministic_ops=true"],
    ["LD_LIBRARY_PATH", "/usr/local/cuda/lib64"],
    ["PYTHONPATH", "/packages"],
    ["XAUTHORITY", "/home/me/.Xauthority"],
    ["VK_DRIVER_FILES", "/driver.json"],
    ["OMP_NUM_THREADS", "2"],
  ])("passes %s on", (name, value) => {
    expect(programEnvironment({ [name]: value })).toEqual({ [name]: value });
  });

  it.each([
    ["AWS_SECRET_ACCESS_KEY", "x"],
    ["GITHUB_TOKEN", "x"],
    ["HF_TOKEN", "x"],
    ["SSH_AUTH_SOCK", "/run/agent"],
    ["npm_config_//registry/:_authToken", "x"],
    ["https_proxy", "http://proxy:3128"],
    ["PIP_INDEX_URL", "https://index"],
    ["TF_VAR_password", "x"],
    ["TF_TOKEN_app_terraform_io", "x"],
    ["THAW_API_KEY", "x"],
    ["THAW_SECRETS", "x"],
    ["THAW_WEIGHTS_MIRROR", "https://me:word@mirror/"],
    ["THAW_BROWSER_WS", "ws://:word@box:3000"],
    ["THAW_MIRROR", "https://token@mirror/"],
    ["PATHS", "x"],
    ["MY_PATH", "x"],
  ])("keeps %s", (name, value) => {
    expect(names({ [name]: value })).toEqual([]);
  });

  it("passes on what the program's runner asks for by name, and no more", () => {
    const env = { GITHUB_TOKEN: "x", GITHUB_TOKEN_2: "x", WANDB_MODE: "offline" };
    expect(names(env, ["WANDB_MODE", "GITHUB_TOKEN", "NOT_SET"]).sort()).toEqual(["GITHUB_TOKEN", "WANDB_MODE"]);
  });
});
