// How a user names an under storage, wherever it is written: on the command line, in a Dataset, in a configuration file.

export interface MountSpec {
  /** "s3://bucket/prefix", "oss://bucket/", "https://host/dir/", "local:///data", "pvc://claim/dir". */
  readonly mountPoint: string;
  /** Where it appears in the dataset: "/" or "/name". */
  readonly path: string;
  /** Options as users of the API write them: "fs.oss.endpoint", "fs.s3.region", … Never a secret. */
  readonly options: Readonly<Record<string, string>>;
  /** Option name → file that holds its value; read again whenever the file changes. */
  readonly secretFiles: Readonly<Record<string, string>>;
}
