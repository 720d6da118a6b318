package settings

const masked = "********"

// Line is one setting as it is shown to the operator.
type Line struct {
	Name string
	// Value is the value in use, masked when it is a secret.
	Value string
	// From is where it came from.
	From Source
	// Env is its environment variable.
	Env string
	// Values says what may stand there, Default what stands there when nothing is said.
	Values, Default string
	// Help is a sentence on what it does.
	Help string
	// Bare says that the flag may stand without a value, which means on.
	Bare bool
}

// Describe returns every setting with its value and where that came from, in a fixed order.
func (s Settings) Describe() []Line {
	lines := make([]Line, len(options))
	for i, o := range options {
		l := Line{Name: o.name, Value: o.get(&s), From: FromDefault, Env: Env(o.name),
			Values: o.values, Default: o.def, Help: o.help, Bare: o.flag}
		if from, ok := s.from[o.name]; ok {
			l.From = from
		}
		if o.secret && l.Value != "" {
			l.Value = masked
		}
		lines[i] = l
	}
	return lines
}
