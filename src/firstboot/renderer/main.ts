/** The program in the image: `mujs stackwright-firstboot.js STATE`. */
import { runProgram } from './program.js';

declare function read(path: string): string;
declare function print(line: string): void;
declare const scriptArgs: string[];

for (const line of runProgram(read(scriptArgs[0] as string), read)) print(line);
