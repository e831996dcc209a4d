/* Reading a step of the endpoint target. Letters of a peer's message:
 *
 *   d call   p peer   c CSeq   b branch   t To tag (0 none, 1 ours, 2 another)
 *   f From tag (0: none)   s body   o Contact   u Request-URI   v Via
 *   h header line (again and again)   r RAck of the last RSeq
 *   k sent over a stream in pieces of so many bytes, with a time between
 *   l a header line of that length   g credentials
 *   x12:0a the octet at 12 is that one   n how many requests of ours ago */
#include "endpoint.h"

static bool digit(char c) {
  return c >= '0' && c <= '9';
}

static long number(ss_str *s) {
  long n = 0;
  size_t i = 0;
  for (; i < s->n && i < 9 && digit(s->p[i]); i++)
    n = n * 10 + (s->p[i] - '0');
  *s = (ss_str){s->p + i, s->n - i};
  return n;
}

static void option(ss_str word, step *out) {
  char letter = word.p[0];
  word = (ss_str){word.p + 1, word.n - 1};
  if (letter < 'a' || letter > 'z')
    return;
  long n = number(&word);
  out->letter[letter - 'a'] = n;
  if (letter == 'h' && out->headers < HEADERS_MAX)
    out->header[out->headers++] = (unsigned)n;
  if (letter != 'x' || out->edits == EDITS_MAX)
    return;
  unsigned octet = ' ';
  if (word.n >= 3) {
    char hex[3] = {word.p[1], word.p[2], 0};
    octet = (unsigned)strtoul(hex, NULL, 16);
  }
  out->edit[out->edits].at = (unsigned)n;
  out->edit[out->edits++].octet = octet;
}

bool step_parse(ss_str line, step *out) {
  *out = (step){.kind = line.n ? line.p[0] : 0};
  if (!out->kind || !strchr("><+!=#", out->kind))
    return false;
  for (size_t i = 0; i < 26; i++)
    out->letter[i] = -1;
  ss_str words = fuzz_cut(&line, '|');
  out->raw = line;
  words = (ss_str){words.p + 1, words.n - 1};
  while (words.n) {
    ss_str word = fuzz_cut(&words, ' ');
    if (!word.n)
      continue;
    if (!out->verb.n && out->kind != '=' && out->kind != '#')
      out->verb = word;
    else
      option(word, out);
  }
  return true;
}
