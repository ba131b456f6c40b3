import protobuf from "protobufjs/light.js";

const NAMED_VALUES: protobuf.IMapField = { keyType: "string", type: "Value", id: 1 };

/**
 * What TensorBoard's HParams page reads.
 * @see tensorboard/plugins/hparams/plugin_data.proto
 */
const MESSAGES = protobuf.Root.fromJSON({
  nested: {
    PluginData: {
      oneofs: { data: { oneof: ["sessionStartInfo", "sessionEndInfo"] } },
      fields: {
        version: { type: "int32", id: 1 },
        sessionStartInfo: { type: "StartInfo", id: 3 },
        sessionEndInfo: { type: "EndInfo", id: 4 },
      },
    },
    StartInfo: {
      fields: {
        hparams: NAMED_VALUES,
        groupName: { type: "string", id: 4 },
        startTimeSecs: { type: "double", id: 5 },
      },
    },
    EndInfo: { fields: { status: { type: "int32", id: 1 }, endTimeSecs: { type: "double", id: 2 } } },
    // google.protobuf.Value, without lists and objects
    Value: {
      oneofs: { kind: { oneof: ["numberValue", "stringValue", "boolValue"] } },
      fields: {
        numberValue: { type: "double", id: 2 },
        stringValue: { type: "string", id: 3 },
        boolValue: { type: "bool", id: 4 },
      },
    },
  },
});
const PLUGIN_DATA = MESSAGES.lookupType("PluginData");

/** The plugin's name in a summary's metadata. */
export const HPARAMS_PLUGIN = "hparams";
export const SESSION_START_TAG = "_hparams_/session_start_info";
export const SESSION_END_TAG = "_hparams_/session_end_info";
/** TensorBoard's numbers for how a session ended. */
const STATUS = { success: 1, failure: 2 } as const;

function protoValue(value: string | number | boolean): object {
  if (typeof value === "number") return { numberValue: value };
  return typeof value === "string" ? { stringValue: value } : { boolValue: value };
}

/** The values that a run began with. */
export function sessionStart(
  group: string,
  facts: Readonly<Record<string, string | number | boolean>>,
  startedMs: number,
): Uint8Array {
  const hparams = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, protoValue(value)]));
  const sessionStartInfo = { hparams, groupName: group, startTimeSecs: startedMs / 1000 };
  return PLUGIN_DATA.encode({ version: 0, sessionStartInfo }).finish();
}

/** How a run ended. */
export function sessionEnd(status: keyof typeof STATUS, endedMs: number): Uint8Array {
  const sessionEndInfo = { status: STATUS[status], endTimeSecs: endedMs / 1000 };
  return PLUGIN_DATA.encode({ version: 0, sessionEndInfo }).finish();
}
