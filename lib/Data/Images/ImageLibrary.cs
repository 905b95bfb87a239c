using System.Runtime.InteropServices;

namespace PatchKit.Data;

/// <summary>The image functions of libpatchkit.so (lib/Native/images), looked up by name: a build without libjpeg or libpng lacks them.</summary>
internal static unsafe class ImageLibrary
{
    internal static readonly delegate* unmanaged<byte*> Error;
    internal static readonly delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int> Size;
    internal static readonly delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int> Decode;
    internal static readonly delegate* unmanaged<byte*, int, int, long, float*, byte*, int, int, int, int> Resize;
    internal static readonly delegate* unmanaged<byte*, int, int, int, int, byte**, long*, int> EncodePng;
    internal static readonly delegate* unmanaged<void*, void> Free;

    private static readonly string? Missing;

    static ImageLibrary()
    {
        if (NativeLibraries.Find(out string reason) is not { } path)
        {
            Missing = $"Images are decoded by libpatchkit.so. {reason}";
            return;
        }
        try
        {
            nint library = NativeLibraries.LoadPatchKit();
            Error = (delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, "pk_image_error");
            Size = (delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int>)NativeLibrary.GetExport(library, "pk_image_size");
            Decode = (delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int>)NativeLibrary.GetExport(library, "pk_image_decode");
            Resize = (delegate* unmanaged<byte*, int, int, long, float*, byte*, int, int, int, int>)NativeLibrary.GetExport(library, "pk_image_resize");
            EncodePng = (delegate* unmanaged<byte*, int, int, int, int, byte**, long*, int>)NativeLibrary.GetExport(library, "pk_image_encode_png");
            Free = (delegate* unmanaged<void*, void>)NativeLibrary.GetExport(library, "pk_image_free");
        }
        catch (EntryPointNotFoundException)
        {
            Missing = $"Images are decoded by {path}, which was built without libjpeg-dev or libpng-dev, or before this program; run environment/setup.sh again.";
        }
        catch (DllNotFoundException e)
        {
            Missing = $"Images are decoded by libpatchkit.so. {e.Message}";
        }
    }

    /// <summary>Whether the library was found and has the functions.</summary>
    internal static bool Present => Missing is null;

    /// <summary>Throws where the library is absent.</summary>
    /// <exception cref="DllNotFoundException">libpatchkit.so is absent, cannot be loaded, or has no image functions.</exception>
    internal static void Require()
    {
        if (Missing is not null) throw new DllNotFoundException(Missing);
    }

    /// <summary>The thread's last failure, without its subject.</summary>
    internal static string Sentence => Marshal.PtrToStringUTF8((nint)Error()) ?? "cannot be read.";
}

/// <summary>Mirrors DecodeOptions in lib/Native/images/image.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeDecodeOptions
{
    internal long MaxPixels;
    internal int Scale, Orientation;
}

/// <summary>Mirrors Pixels in lib/Native/images/image.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeImage
{
    internal byte* Data;
    internal int Width, Height;
}
