// Every case on `webgpu`, against the implementations that others wrote.
import { holdCases } from "./hold-cases.ts";

holdCases("webgpu");
