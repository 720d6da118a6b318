package transfer

import (
	"slices"
	"testing"

	"nacre/server/config"
)

func TestHistorySaysWhatWasImportedAndWhatACloneIsOf(t *testing.T) {
	d := newDomain()
	e := d.publish(t, "ns1", "g", "a", "content")
	file := zipOf(t, file{"g/b", "imported"})
	if _, err := d.transfers().Import(t.Context(), someone, ImportRequest{Namespace: "ns1", File: file, Size: file.Size()}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.transfers().Clone(t.Context(), someone, "ns2", []Pick{{ID: e.ID}}, config.Abort); err != nil {
		t.Fatal(err)
	}
	want := []config.Note{{}, {Kind: config.NoteImport}, {Kind: config.NoteClone, From: e.Revision}}
	if !slices.Equal(d.notes, want) {
		t.Errorf("history has the notes %+v, want %+v", d.notes, want)
	}
}
