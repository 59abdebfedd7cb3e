package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is the error of a command that was called wrongly.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usage(format string, arguments ...any) error {
	return usageError{fmt.Sprintf(format, arguments...)}
}

// noArguments refuses arguments, as [cobra.NoArgs] does in other words.
func noArguments(command *cobra.Command, arguments []string) error {
	if len(arguments) > 0 {
		return usage("%s takes only flags, and %q is none", command.CommandPath(), arguments[0])
	}
	return nil
}

// oneArgument refuses everything but one argument: what names it, and example is a call.
func oneArgument(what, example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, arguments []string) error {
		switch len(arguments) {
		case 0:
			return usage("which %s? For example: %s", what, example)
		case 1:
			return nil
		default:
			return usage("only one %s can be given (if its name has spaces, put it in quotation marks)", what)
		}
	}
}

// missing is the error of a flag that was not given, or is empty.
func missing(flag, wanted string) error {
	return usage("--%s must be given: %s", flag, wanted)
}

// exclusive refuses two flags that are both given.
func exclusive(command *cobra.Command, one, other string) error {
	if command.Flags().Changed(one) && command.Flags().Changed(other) {
		return usage("--%s and --%s cannot be given together", one, other)
	}
	return nil
}

// explainFlag says in plain words what is wrong with a flag, without its value.
func explainFlag(command *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var wrong *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return usage("%s has no flag %s%s", command.CommandPath(), dashes, unknown.GetSpecifiedName())
	case errors.As(err, &bare):
		return usage("--%s needs a value: %s", bare.GetFlag().Name, wanted(bare.GetFlag()))
	case errors.As(err, &wrong):
		return usage("--%s must be %s", wrong.GetFlag().Name, wanted(wrong.GetFlag()))
	default:
		return usage("a flag is written --name or --name=value")
	}
}

// wanted says what a flag's value must be.
func wanted(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "port":
		return wantedPort
	case "int":
		return "a whole number"
	case "uint64":
		return "a whole number that is not negative"
	case "float64":
		return "a number"
	case "intSlice":
		return "whole numbers, with commas between them"
	case "duration":
		return "a duration such as 90s, 10m or 1h"
	case "bool":
		return "true or false"
	default:
		return flag.Usage
	}
}
