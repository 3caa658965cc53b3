// Every case on `interpret`, against the implementations that others wrote.
import { holdCases } from "./hold-cases.ts";

holdCases("interpret");
