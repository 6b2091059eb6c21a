// What can be wrong with a value of the API. An object as a whole is decoded into a list of problems instead: schema/decode.ts.
import { Fault } from '../base/index.ts';

export type ApiFault =
  /** No quantity of Kubernetes. */
  | { code: 'bad-quantity'; value: string }
  /** No size as Fluid prints it. */
  | { code: 'bad-size'; value: string };

export class ApiError extends Fault<ApiFault> {}
