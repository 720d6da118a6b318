package config_test

import (
	"testing"

	"nacre/server/config"
	"nacre/server/fault"
)

// FuzzGrayRule reads rules as they stand in a database that other servers may have written: a rule is
// read or refused, and what was read is written and read as the same.
func FuzzGrayRule(f *testing.F) {
	for _, s := range []string{
		config.BetaRule("10.0.0.1,10.0.0.2").JSON(), config.TagRule("blue").JSON(), `{"type":"beta","version":"1.0.0","expr":"1.1.1.1","priority":"2147483647"}`,
		`{}`, `null`, `[]`, `{"type":1}`, `{"priority":1e40}`, "{\"expr\":\"\xff\"}", `{"type":"tag","expr":"","priority":-1}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := config.ParseRule(text)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != config.CodeGrayRuleFormat {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := config.ParseRule(r.JSON())
		if err != nil || again != r {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
		for _, c := range []config.Client{{}, {IP: "10.0.0.1"}, {Tag: "blue"}} {
			if r.Matches(c) && (c == config.Client{} || r.Expr == "") {
				t.Fatalf("%+v matches %+v", r, c)
			}
		}
	})
}
