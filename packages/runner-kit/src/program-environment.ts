/** Environment variables, as `process.env` has them. */
type Variables = Readonly<Record<string, string | undefined>>;

/** What programs find their files, languages and libraries by. */
const NAMES: ReadonlySet<string> = new Set([
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "TZ", "LANG", "LANGUAGE"],
  ...["LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "GLIBC_TUNABLES"],
  ...["VIRTUAL_ENV", "CONDA_PREFIX", "NODE_OPTIONS", "NODE_PATH", "LIBTENSORFLOW_DIR"],
  ...["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"], // a GPU's driver may want the display
  // What Windows programs do not start without.
  ...[
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
  ],
  ...["PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "NUMBER_OF_PROCESSORS", "OS"],
  ...["PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER"],
]);

/** Beginnings of the names that engines, drivers and Thaw read their settings from. */
const BEGINNINGS: readonly string[] = [
  ...["THAW_", "LC_", "XDG_", "PYTHON", "MALLOC_", "FONTCONFIG_"],
  ...["CUDA_", "CUBLAS_", "CUDNN_", "NCCL_", "NVIDIA_", "HIP_", "HSA_", "ROCR_", "ROCM_", "ZE_", "SYCL_"],
  ...["TF_", "XLA_", "JAX_", "KERAS_", "TORCH_", "PYTORCH_", "ONEDNN_", "DNNL_", "OMP_", "GOMP_", "KMP_", "MKL_"],
  ...["OPENBLAS_", "VK_", "DAWN_", "MESA_", "LIBGL_", "EGL_", "ANGLE_"],
];

/** Words of a name that say what its value is. Terraform's variables begin as TensorFlow's do. */
const SECRET = /(^|_)(TOKENS?|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE|CREDENTIALS?|KEYS?|APIKEY)(_|$)|^TF_VAR_/;

/** An address with a user, a token or a password in it. */
const WITH_PASSWORD = /:\/\/[^/?#\s]+@/;

function isPassedOn(name: string, value: string): boolean {
  const known = NAMES.has(name) || BEGINNINGS.some((beginning) => name.startsWith(beginning));
  return known && !SECRET.test(name) && !WITH_PASSWORD.test(value);
}

/**
 * The environment of a program that Thaw starts: variables on a list, so that no program sees the secrets of the user's
 * shell or of CI. Proxies are not on it: their addresses hold passwords, and a run needs no network.
 * @param env of this process
 * @param also further names that the program needs, whatever is in them
 */
export function programEnvironment(env: Variables, also: readonly string[] = []): Record<string, string> {
  const asked = new Set(also);
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (asked.has(name) || isPassedOn(name.toUpperCase(), value)) ? [[name, value] as const] : [],
  );
  return Object.fromEntries(passed);
}
