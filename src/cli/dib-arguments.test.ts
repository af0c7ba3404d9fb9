import { expect, it } from 'vitest';
import { dibArguments } from './dib-arguments.js';

it('has the words that decide what is in an image, and not those that say where it goes', () => {
  const words =
    'image build -t raw --output=/srv/x --force --json --packages vim -o /srv/-t --arch arm64 debian-minimal vm';

  expect(dibArguments(words.split(' '))).toBe('image build --packages vim --arch arm64 debian-minimal vm');
});
