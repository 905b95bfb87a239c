namespace CsNotebook.Cli;

/// <summary>Turns the failures that a user can mend into a sentence and exit code 2.</summary>
internal static class Sentences
{
    public const int Usage = 2;

    public static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            Console.Error.WriteLine(e.Message);
            return Usage;
        }
    }
}
