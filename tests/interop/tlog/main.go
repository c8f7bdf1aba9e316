// SPDX-License-Identifier: Apache-2.0

// Verifies what Chancery exports with the public tools of others: golang.org/x/mod
// (notes, Merkle trees, tiles) and transparency-dev/formats (checkpoints, receipts,
// cosignatures). Called by run with the directory that fixture.c filled.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	formatslog "github.com/transparency-dev/formats/log"
	formatsnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func read(elem ...string) []byte {
	b, err := os.ReadFile(filepath.Join(elem...))
	must(err)
	return b
}

// tiles reads an exported tree; it notes which files were asked for.
type tiles struct {
	dir  string
	used map[string]bool
}

// path is the C2SP name: tlog's own, without the tile height in it.
func (t tiles) path(tile tlog.Tile, entries bool) string {
	p := strings.TrimPrefix(tile.Path(), "tile/8/")
	if entries {
		_, p, _ = strings.Cut(p, "/")
		p = "entries/" + p
	}
	return filepath.Join(t.dir, "tile", p)
}

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, w := range want {
		b, err := os.ReadFile(t.path(w, false))
		if err != nil {
			return nil, err
		}
		if len(b) != w.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d octets", t.path(w, false), len(b))
		}
		t.used[t.path(w, false)] = true
		out = append(out, b)
	}
	return out, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads the bundles of a tree of n records.
func (t tiles) entries(n int64) [][]byte {
	var out [][]byte
	for i := int64(0); i*256 < n; i++ {
		w := min(256, n-i*256)
		p := t.path(tlog.Tile{H: 8, L: 0, N: i, W: int(w)}, true)
		b := read(p)
		t.used[p] = true
		before := len(out)
		for len(b) > 0 {
			size := int(b[0])<<8 | int(b[1])
			out = append(out, b[2:2+size])
			b = b[2+size:]
		}
		if int64(len(out)-before) != w {
			log.Fatalf("%s: %d entries", p, len(out)-before)
		}
	}
	return out
}

// tree is one export with its authenticated hashes.
type tree struct {
	tlog.Tree
	tlog.HashReader
	entries [][]byte
}

func open(dir string, v note.Verifier) tree {
	cp, rest, _, err := formatslog.ParseCheckpoint(read(dir, "checkpoint"), v.Name(), v)
	must(err)
	if len(rest) != 0 {
		log.Fatalf("extension lines: %q", rest)
	}
	root := tlog.Tree{N: int64(cp.Size), Hash: tlog.Hash(cp.Hash)}
	t := tiles{dir, map[string]bool{}}
	hr := tlog.TileHashReader(root, t)
	return tree{root, hr, t.entries(root.N)}
}

// everyRecord proves each record to be in the tree and compares leaf hashes.
func (t tree) everyRecord() {
	for i, e := range t.entries {
		leaf := tlog.RecordHash(e)
		h, err := t.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		must(err)
		if h[0] != leaf {
			log.Fatalf("record %d: not the hash in the tile", i)
		}
		if t.N > 1000 && i%97 != 0 && i < int(t.N)-300 {
			continue // the hash reader has authenticated the tile
		}
		p, err := tlog.ProveRecord(t.N, int64(i), t)
		must(err)
		must(tlog.CheckRecord(p, t.N, t.Hash, int64(i), leaf))
	}
}

// allFiles fails when the export holds files that its size does not call for.
func allFiles(dir string, n int64) {
	want := map[string]bool{filepath.Join(dir, "checkpoint"): true}
	t := tiles{dir, want}
	for l, width := 0, n; width > 0; l, width = l+1, width/256 {
		for i := int64(0); i*256 < width; i++ {
			tile := tlog.Tile{H: 8, L: l, N: i, W: int(min(256, width-i*256))}
			want[t.path(tile, false)] = true
			if l == 0 {
				want[t.path(tile, true)] = true
			}
		}
	}
	must(filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if !want[p] {
				return fmt.Errorf("%s: does not belong there", p)
			}
			delete(want, p)
		}
		return err
	}))
	for p := range want {
		log.Fatalf("%s: missing", p)
	}
}

// proofs recomputes roots and proofs of all small sizes from the entries alone.
func proofs(entries [][]byte, want string) {
	var stored []tlog.Hash
	hr := tlog.HashReaderFunc(func(index []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range index {
			out = append(out, stored[i])
		}
		return out, nil
	})
	var got strings.Builder
	for n := int64(1); n <= int64(strings.Count(want, "\n")); n++ {
		h, err := tlog.StoredHashes(n-1, entries[n-1], hr)
		must(err)
		stored = append(stored, h...)
		root, err := tlog.TreeHash(n, hr)
		must(err)
		in, grow := sha256.New(), sha256.New()
		for i := int64(0); i < n; i++ {
			p, err := tlog.ProveRecord(n, i, hr)
			must(err)
			for _, h := range p {
				in.Write(h[:])
			}
			q, err := tlog.ProveTree(n, i+1, hr)
			must(err)
			for _, h := range q {
				grow.Write(h[:])
			}
		}
		fmt.Fprintf(&got, "%d %x %x %x\n", n, root[:], in.Sum(nil), grow.Sum(nil))
	}
	if got.String() != want {
		log.Fatal("proofs of small trees differ")
	}
}

func receipt(file string, v note.Verifier, large tree) {
	var r proof.TLogProof
	must(r.Unmarshal(read(file)))
	if !bytes.Equal(r.Marshal(), read(file)) {
		log.Fatalf("%s: not what this library would write", file)
	}
	cp, _, _, err := formatslog.ParseCheckpoint(r.Checkpoint, v.Name(), v)
	must(err)
	var p tlog.RecordProof
	for _, h := range r.Hashes {
		p = append(p, h)
	}
	must(tlog.CheckRecord(p, int64(cp.Size), tlog.Hash(cp.Hash), int64(r.Index),
		tlog.RecordHash(r.ExtraData)))
	if !bytes.Equal(r.ExtraData, large.entries[r.Index]) {
		log.Fatalf("%s: another record", file)
	}
}

// receipts checks each file of a pattern; there are some.
func receipts(pattern string, v note.Verifier, t tree) int {
	found, err := filepath.Glob(pattern)
	must(err)
	for _, f := range found {
		receipt(f, v, t)
	}
	if len(found) == 0 {
		log.Fatalf("%s: none", pattern)
	}
	return len(found)
}

// cosign adds a witness's line to a checkpoint, for the C side to read.
func cosign(dir string, v note.Verifier) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "witness.example/w1")
	must(err)
	s, err := formatsnote.NewSignerForCosignatureV1(skey)
	must(err)
	n, err := note.Open(read(dir, "small", "checkpoint"), note.VerifierList(v))
	must(err)
	signed, err := note.Sign(n, s)
	must(err)
	vkey, err = formatsnote.VKeyToCosignatureV1(vkey)
	must(err)
	must(os.WriteFile(filepath.Join(dir, "cosigned"), signed, 0o644))
	must(os.WriteFile(filepath.Join(dir, "witness"), []byte(vkey), 0o644))
}

// register verifies what a whole register gave out: two exports, receipts.
func register(dir string) {
	v, err := note.NewVerifier(string(read(dir, "register.vkey")))
	must(err)
	first, second := open(filepath.Join(dir, "first"), v), open(filepath.Join(dir, "second"), v)
	for _, t := range []struct {
		name string
		tree tree
	}{{"first", first}, {"second", second}} {
		t.tree.everyRecord()
		allFiles(filepath.Join(dir, t.name), t.tree.N)
	}
	grown, err := tlog.ProveTree(second.N, first.N, second)
	must(err)
	must(tlog.CheckTree(grown, second.N, second.Hash, first.N, first.Hash))
	prev := tlog.Hash{}
	for i, line := range second.entries {
		if !bytes.Contains(line, fmt.Appendf(nil, `"n":%d,"prev":"%x"`, i, prev[:])) {
			log.Fatalf("record %d does not carry the leaf hash of the one before", i)
		}
		prev = tlog.RecordHash(line)
	}
	n := receipts(filepath.Join(dir, "*.receipt"), v, second)
	fmt.Printf("register: %d and %d records, %d receipts\n", first.N, second.N, n)
}

// refusals: the same checks say no to altered exports.
func refusals(dir string, v note.Verifier) {
	cp := read(dir, "small", "checkpoint")
	cp[3] ^= 1
	if _, err := note.Open(cp, note.VerifierList(v)); err == nil {
		log.Fatal("an altered checkpoint was accepted")
	}
	small := open(filepath.Join(dir, "small"), v)
	small.Hash[0] ^= 1
	hr := tlog.TileHashReader(small.Tree, tiles{filepath.Join(dir, "small"), map[string]bool{}})
	if _, err := hr.ReadHashes([]int64{0}); err == nil {
		log.Fatal("tiles were accepted under another root")
	}
}

func main() {
	log.SetFlags(0)
	dir := os.Args[1]
	v, err := note.NewVerifier(string(read(dir, "vkey")))
	must(err)

	small, large := open(filepath.Join(dir, "small"), v), open(filepath.Join(dir, "large"), v)
	small.everyRecord()
	large.everyRecord()
	allFiles(filepath.Join(dir, "small"), small.N)
	allFiles(filepath.Join(dir, "large"), large.N)
	grown, err := tlog.ProveTree(large.N, small.N, large)
	must(err)
	must(tlog.CheckTree(grown, large.N, large.Hash, small.N, small.Hash))
	if tlog.CheckTree(grown, large.N, large.Hash, small.N-1, small.Hash) == nil {
		log.Fatal("consistency with another size was accepted")
	}
	proofs(large.entries, string(read(dir, "proofs")))

	n := receipts(filepath.Join(dir, "*.tlog-proof"), v, large)
	refusals(dir, v)
	cosign(dir, v)
	register(dir)
	fmt.Printf("%d and %d records, %d receipts, root %s\n", small.N, large.N, n,
		hex.EncodeToString(large.Hash[:]))
}
