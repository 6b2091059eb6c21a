import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IndexLinks, linkBelow, type IndexLink } from './index-links.ts';

const FOLDER = new URL('http://host:8080/data/set%201/');

function below(href: string): string | undefined {
  const link = linkBelow(FOLDER, href);
  return link === undefined ? undefined : `${link.name.toString()}${link.isFolder ? '/' : ''}`;
}

test('linkBelow() takes links to what is directly below', () => {
  assert.equal(below('file'), 'file');
  assert.equal(below('./with:colon'), 'with:colon');
  assert.equal(below('sub/'), 'sub/');
  assert.equal(below('/data/set%201/file'), 'file');
  assert.equal(below('http://host:8080/data/set%201/file'), 'file');
  assert.equal(below('/d%61ta/set 1/file'), 'file');
  assert.equal(below('a%20b%26%3C%23%3F%2541%2B%C3%A9'), 'a b&<#?%41+é');
  assert.equal(below('%3FC=N;O=D'), '?C=N;O=D');
  assert.equal(below('100%'), '100%');
  assert.equal(below('é'), 'é');
});

test('linkBelow() leaves out everything else', () => {
  const others = ['../', '..', './', '.', '', '/', '/data/', '?C=N;O=D', 'file?x=1', '#top', 'sub/file', 'sub//', '//'];
  const elsewhere = [
    'http://other/data/set%201/file',
    'https://host:8080/data/set%201/file',
    'mailto:a@b',
    '//other/f',
  ];
  const escapes = [
    '%2e%2e/',
    '/data/set%202/file',
    'http://user@host:8080/data/set%201/file',
    'http://[',
    '/data/file',
  ];
  for (const href of [...others, ...elsewhere, ...escapes]) assert.equal(below(href), undefined, href);
});

test('linkBelow() gives names no file system can show as they are, to be counted', () => {
  assert.equal(below('a%2Fb'), 'a/b');
  assert.equal(below('a%00b'), 'a\0b');
});

test('IndexLinks reads a page in pieces and tells each name once', () => {
  const page = `<html><body><a href="../">../</a><a href="?C=M;O=A">Last modified</a>
    <A HREF='a&amp;b'><img src="icon"></A> <a href="a&amp;b">a&amp;b</a><a name="no-href">x</a><a href=sub/>sub</a>`;
  for (const pieceLength of [1, 7, page.length]) {
    const found: IndexLink[] = [];
    const links = new IndexLinks(FOLDER, (link) => found.push(link));
    for (let at = 0; at < page.length; at += pieceLength) links.write(page.slice(at, at + pieceLength));
    links.end();
    assert.deepEqual(
      found.map(({ name, isFolder }) => [name.toString(), isFolder]),
      [
        ['a&b', false],
        ['sub', true],
      ],
    );
  }
});
