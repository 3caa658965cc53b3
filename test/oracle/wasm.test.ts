// Every case on `wasm`, against the implementations that others wrote.
import { holdCases } from "./hold-cases.ts";

holdCases("wasm");
