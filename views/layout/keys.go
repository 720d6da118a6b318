package layout

import (
	"nacre/views/words"
)

// key is what a key does.
type key struct {
	keys []string
	text string
}

func keyHelp(w *words.Frame) []key {
	return []key{
		{[]string{"Ctrl", "K"}, w.KeyPalette},
		{[]string{"/"}, w.KeySearch},
		{[]string{"J", "K"}, w.KeyMove},
		{[]string{"Enter"}, w.KeyOpen},
		{[]string{"X"}, w.KeySelect},
		{[]string{"C"}, w.KeyNew},
		{[]string{"E"}, w.KeyEdit},
		{[]string{"H"}, w.KeyHistory},
		{[]string{"L"}, w.KeyListeners},
		{[]string{"Ctrl", "Enter"}, w.KeyPublish},
		{[]string{"G", "O · C · S · F · L · N"}, w.KeyGo},
		{[]string{"Alt", "N"}, w.KeyNamespace},
		{[]string{"Esc"}, w.KeyEscape},
		{[]string{"?"}, w.KeyHelp},
	}
}
