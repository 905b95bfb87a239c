using System.Runtime.ExceptionServices;
using System.Text;

namespace CsNotebook.Engine;

/// <summary>Leads the process's standard streams to the current cell; without one they are the process's own.</summary>
internal static class CellConsole
{
    private static readonly Lazy<bool> Installed = new(() =>
    {
        Console.SetOut(new Writer(StreamName.Stdout, Console.Out));
        Console.SetError(new Writer(StreamName.Stderr, Console.Error));
        Console.SetIn(new Reader(Console.In));
        ExceptionHandling.SetUnhandledExceptionHandler(TellStray);
        return true;
    });

    public static void Install() => _ = Installed.Value;

    /// <summary>
    /// What a cell's own thread lets out would end the process and with it the session: it is told instead.
    /// </summary>
    private static bool TellStray(Exception stray)
    {
        CellOutput.Current?.Write(
            StreamName.Stderr,
            $"A thread ended by {stray.GetType().FullName}: {stray.Message}\n{stray.StackTrace}\n"
        );
        return CellOutput.Current is not null;
    }

    private sealed class Writer(StreamName name, TextWriter outside) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => Write(value.ToString());

        public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

        public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

        public override void Write(string? value)
        {
            if (CellOutput.Current is { } cell)
                cell.Write(name, value ?? "");
            else
                outside.Write(value);
        }

        public override void WriteLine() => Write("\n");

        public override void WriteLine(string? value) => Write(value + "\n");

        public override void Flush()
        {
            if (CellOutput.Current is null)
                outside.Flush();
        }
    }

    private sealed class Reader(TextReader outside) : TextReader
    {
        private string _line = "";
        private int _at;

        public override string? ReadLine()
        {
            if (_at < _line.Length)
            {
                string rest = _line[_at..].TrimEnd('\n');
                _at = _line.Length;
                return rest;
            }
            return CellOutput.Current is { } cell ? cell.ReadLine("", password: false) : outside.ReadLine();
        }

        public override int Peek() => Fill() ? _line[_at] : -1;

        public override int Read() => Fill() ? _line[_at++] : -1;

        private bool Fill()
        {
            if (_at < _line.Length)
                return true;
            if (ReadLine() is not { } next)
                return false;
            (_line, _at) = (next + "\n", 0);
            return true;
        }
    }
}
