/** Options that say where an image goes, in which form, and how the build is shown: with a value, and without one. */
const withValue = /^(-t|-o|--type|--output)$/;
const ofOutput =
  /^(--(type|output)=.*|-[to].+|--(no-)?(force|fresh|json|verbose|checksum|shellOnFailure|shell-on-failure))$/;

/**
 * `DIB_ARGS`, which the element manifests writes into an image: the words of our command that decide
 * what is in it. So an image is the same whatever format it is made in.
 */
export function dibArguments(words: string[]): string {
  const kept = words.filter(
    (word, at) => !ofOutput.test(word) && !withValue.test(word) && !withValue.test(words[at - 1] ?? ''),
  );
  return kept.join(' ');
}
