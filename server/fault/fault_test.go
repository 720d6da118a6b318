package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestOnlyAFaultsTextLeavesTheProcess(t *testing.T) {
	f := Wrap(Conflict, io.ErrUnexpectedEOF, "%s was changed", "a").WithCode("cas")
	wrapped := fmt.Errorf("publish: %w", f)
	for _, tt := range []struct {
		err  error
		kind Kind
		code Code
		text string
	}{
		{wrapped, Conflict, "cas", "a was changed"},
		{io.EOF, Internal, "", "internal error"},
		{New(Limited, "full"), Limited, "", "full"},
	} {
		if KindOf(tt.err) != tt.kind || CodeOf(tt.err) != tt.code || TextOf(tt.err) != tt.text {
			t.Errorf("%v: %s %q %q", tt.err, KindOf(tt.err), CodeOf(tt.err), TextOf(tt.err))
		}
	}
	if !errors.Is(wrapped, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if Kind(99).String() != "kind(99)" || Unavailable.String() != "unavailable" {
		t.Error(Kind(99), Unavailable)
	}
}
